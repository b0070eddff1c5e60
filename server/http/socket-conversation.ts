import type { WebSocket } from 'ws';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { RateLimit } from './rate-limit.ts';

/** One complaint a second about too many messages: who sends too fast must not make the server do the same. */
const COMPLAINT_EVERY_MS = 1000;
/** A client that goes on this many times beyond the limit is cut off. */
const PATIENCE = 10;
/** WebSocket close code "policy violation" (RFC 6455 §7.4.1). */
const POLICY_VIOLATION = 1008;

/** The server's end of one client's conversation. */
export interface Conversation {
  sendError(error: unknown): void;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface ConversationOptions {
  readonly maxMessagesPerSecond: number;
  /** Messages that may wait while an earlier one is handled; further ones are refused. Emptied in order. */
  readonly maxWaitingMessages: number;
  readonly log: Log;
}

/**
 * Hands a client's messages on, one after the other, since what one asks for must be there for the next. Those that are too
 * many are refused, what `handle` throws is told to the client, and the conversation closes with its socket.
 */
export function converse(
  socket: WebSocket,
  conversation: Conversation,
  { maxMessagesPerSecond, maxWaitingMessages, log }: ConversationOptions,
  handle: (data: Buffer, isBinary: boolean) => Promise<void>,
): void {
  const limit = new RateLimit(maxMessagesPerSecond, performance.now());
  let tooMany = 0;
  let complainedMs = Number.NEGATIVE_INFINITY;
  let waiting = 0;
  let turn = Promise.resolve();

  const refuse = () => {
    tooMany += 1;
    if (tooMany > PATIENCE * maxMessagesPerSecond) socket.close(POLICY_VIOLATION, 'too many messages');
    const nowMs = performance.now();
    if (nowMs - complainedMs < COMPLAINT_EVERY_MS) return;
    complainedMs = nowMs;
    const rate = `${maxMessagesPerSecond} messages per second`;
    conversation.sendError(new AppError('rate_limited', `At most ${rate} are handled; what exceeds that is ignored.`));
  };

  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (waiting >= maxWaitingMessages || !limit.take(performance.now())) {
      refuse();
      return;
    }
    waiting += 1;
    turn = turn.then(async () => {
      try {
        await handle(data, isBinary);
      } catch (error) {
        conversation.sendError(error);
      }
      waiting -= 1;
    });
  });
  const leave = () => {
    conversation.close().catch((error) => log.error({ err: error }, 'a session did not close cleanly'));
  };
  socket.on('close', leave).on('error', leave);
}
