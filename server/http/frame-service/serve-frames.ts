import { AppError } from '../../errors.ts';
import { credentialOf } from '../access/credential.ts';
import type { App } from '../app.ts';
import { RateLimit } from '../rate-limit.ts';
import { BINARY_SUBPROTOCOL, readBinaryMessage } from './binary-frames.ts';
import { type FrameServiceMessage, readFrameServiceMessage } from './client-message.ts';
import { type Client, type ConnectionOptions, FrameServiceConnection } from './connection.ts';

/** Messages of one client that may wait while its session is opened; further ones are refused. */
const MAX_WAITING_MESSAGES = 64;
/** One complaint a second about too many messages: who sends too fast must not make the server do the same. */
const COMPLAINT_EVERY_MS = 1000;
/** A client that goes on this many times beyond the limit is cut off. */
const PATIENCE = 10;
/** WebSocket close codes (RFC 6455 §7.4.1); the contract gives 1003 for a bad user. */
const UNSUPPORTED_DATA = 1003;
const POLICY_VIOLATION = 1008;
const USER_ID = /^[A-Za-z0-9_-]{1,64}$/;

export interface ServeFramesOptions extends ConnectionOptions {
  readonly maxMessageBytes: number;
  readonly maxMessagesPerSecond: number;
}

/** Serves the frame service's WebSocket, `/musetalk/v1/ws/{user_id}`. Who may use it is asked of INIT. */
export function serveFrames(app: App, options: ServeFramesOptions): void {
  app.get<{ Params: { '*': string } }>(
    '/musetalk/v1/ws/*',
    { websocket: true, config: { scope: 'in-message' } },
    (socket, request) => {
      const userId = request.params['*'];
      if (!USER_ID.test(userId)) {
        socket.close(UNSUPPORTED_DATA, 'user_id must be 1 to 64 of A-Z a-z 0-9 _ -');
        return;
      }
      const isBinary = socket.protocol === BINARY_SUBPROTOCOL;
      accept({ socket, userId, isBinary, credential: credentialOf(request, true) }, options);
    },
  );
}

function accept(client: Client, options: ServeFramesOptions): void {
  const { socket } = client;
  const connection = new FrameServiceConnection(client, options);
  const limit = new RateLimit(options.maxMessagesPerSecond, performance.now());
  let tooMany = 0;
  let complainedMs = Number.NEGATIVE_INFINITY;
  let waiting = 0;
  let turn = Promise.resolve();

  const refuse = () => {
    tooMany += 1;
    if (tooMany > PATIENCE * options.maxMessagesPerSecond) socket.close(POLICY_VIOLATION, 'too many messages');
    const nowMs = performance.now();
    if (nowMs - complainedMs < COMPLAINT_EVERY_MS) return;
    complainedMs = nowMs;
    const rate = `${options.maxMessagesPerSecond} messages per second`;
    connection.sendError(new AppError('rate_limited', `At most ${rate} are handled; what exceeds that is ignored.`));
  };

  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (waiting >= MAX_WAITING_MESSAGES || !limit.take(performance.now())) {
      refuse();
      return;
    }
    waiting += 1;
    // One after the other: what follows INIT must find the session that INIT opens.
    turn = turn.then(async () => {
      try {
        await connection.handle(read(data, isBinary, client, connection, options.maxMessageBytes));
      } catch (error) {
        connection.sendError(error);
      }
      waiting -= 1;
    });
  });
  const leave = () => {
    connection.close().catch((error) => options.log.error({ err: error }, 'a session did not close cleanly'));
  };
  socket.on('close', leave).on('error', leave);
}

function read(
  data: Buffer,
  isBinary: boolean,
  client: Client,
  connection: FrameServiceConnection,
  maxBytes: number,
): FrameServiceMessage {
  if (data.length > maxBytes) {
    throw new AppError('message_too_large', `A message may have at most ${maxBytes} bytes, got ${data.length}`);
  }
  if (!isBinary) return readFrameServiceMessage(data.toString('utf8'));
  if (!client.isBinary) {
    throw new AppError('bad_message', `Binary messages need the subprotocol ${BINARY_SUBPROTOCOL}; send JSON texts.`);
  }
  // One socket is one session: a binary message needs no name for it.
  return { type: 'GENERATE', sessionId: connection.sessionId, ...readBinaryMessage(data) };
}
