import type { WebSocket } from 'ws';
import { AppError } from '../errors.ts';
import type { Grant } from './access/access.ts';
import { grantOf } from './access/guard-routes.ts';
import type { App } from './app.ts';
import { RateLimit } from './rate-limit.ts';
import { SignallingConnection, type SignallingOptions } from './signalling-connection.ts';
import { readClientMessage } from './signalling-message.ts';

/** Messages of one client that may wait while an earlier one is handled; further ones are refused. */
const MAX_WAITING_MESSAGES = 128;
/** One complaint a second: a client that sends too fast must not make the server do the same. */
const COMPLAINT_EVERY_MS = 1000;
/** WebSocket close code "policy violation" (RFC 6455 §7.4.1). */
const POLICY_VIOLATION = 1008;
/** A client that goes on this many times beyond the limit is cut off. */
const PATIENCE = 10;

export interface SignallingRouteOptions extends SignallingOptions {
  readonly maxMessageBytes: number;
  readonly maxMessagesPerSecond: number;
}

/** Serves the signalling protocol of browsers at `/ws`. */
export function serveSignalling(app: App, options: SignallingRouteOptions): void {
  app.get('/ws', { websocket: true, config: { scope: 'speak' } }, (socket, request) =>
    acceptClient(socket, options, grantOf(request)),
  );
}

function acceptClient(socket: WebSocket, options: SignallingRouteOptions, grant: Grant): void {
  const connection = new SignallingConnection(socket, options, grant);
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
    // One after the other: a candidate that follows its offer must find the peer that the offer makes.
    turn = turn.then(async () => {
      try {
        await connection.handle(readClientMessage(textOf(data, isBinary, options.maxMessageBytes)));
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

function textOf(data: Buffer, isBinary: boolean, maxBytes: number): string {
  if (data.length > maxBytes) {
    throw new AppError('message_too_large', `A message may have at most ${maxBytes} bytes, got ${data.length}`);
  }
  if (isBinary) throw new AppError('bad_message', 'Messages must be text frames with JSON, got a binary frame');
  return data.toString('utf8');
}
