import type { WebSocket } from 'ws';
import { AppError } from '../errors.ts';
import type { Grant } from './access/access.ts';
import { grantOf } from './access/guard-routes.ts';
import type { App } from './app.ts';
import { SignallingConnection, type SignallingOptions } from './signalling-connection.ts';
import { readClientMessage } from './signalling-message.ts';
import { converse } from './socket-conversation.ts';

/** Messages of one client that may wait while an earlier one is handled; further ones are refused. */
const MAX_WAITING_MESSAGES = 128;

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
  const { log, maxMessageBytes, maxMessagesPerSecond } = options;
  const limits = { log, maxMessagesPerSecond, maxWaitingMessages: MAX_WAITING_MESSAGES };
  converse(socket, connection, limits, async (data, isBinary) => {
    await connection.handle(readClientMessage(textOf(data, isBinary, maxMessageBytes)));
  });
}

function textOf(data: Buffer, isBinary: boolean, maxBytes: number): string {
  if (data.length > maxBytes) {
    throw new AppError('message_too_large', `A message may have at most ${maxBytes} bytes, got ${data.length}`);
  }
  if (isBinary) throw new AppError('bad_message', 'Messages must be text frames with JSON, got a binary frame');
  return data.toString('utf8');
}
