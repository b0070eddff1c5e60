import { AppError } from '../../errors.ts';
import { credentialOf } from '../access/credential.ts';
import type { App } from '../app.ts';
import { converse } from '../socket-conversation.ts';
import { BINARY_SUBPROTOCOL, readBinaryMessage } from './binary-frames.ts';
import { type FrameServiceMessage, readFrameServiceMessage } from './client-message.ts';
import { type Client, type ConnectionOptions, FrameServiceConnection } from './connection.ts';

/** Messages of one client that may wait while its session is opened; further ones are refused. */
const MAX_WAITING_MESSAGES = 64;
/** WebSocket close code (RFC 6455 §7.4.1); the contract gives 1003 for a bad user. */
const UNSUPPORTED_DATA = 1003;
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
  const connection = new FrameServiceConnection(client, options);
  const { log, maxMessageBytes, maxMessagesPerSecond } = options;
  const limits = { log, maxMessagesPerSecond, maxWaitingMessages: MAX_WAITING_MESSAGES };
  converse(client.socket, connection, limits, async (data, isBinary) => {
    await connection.handle(read(data, isBinary, client, connection, maxMessageBytes));
  });
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
