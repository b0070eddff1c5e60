import type { WebSocket } from 'ws';
import type { MouthReport } from '../session/mouth-reports.ts';
import { RateLimit } from './rate-limit.ts';
import type { ViewerSession } from './viewer.ts';

/** A little more than there are frames, which may come in bunches when the process was held up. */
const MOST_PER_SECOND = 30;
/** Bytes that may wait for the client; a mouth that is older than a few frames is of no use to it. */
const MAX_BUFFERED_BYTES = 16_384;

/**
 * Tells one client what the mouth of its session does, frame by frame. What the client does not take fast enough is left out:
 * `frame` says how many are missing.
 */
export class MouthFeed {
  readonly #socket: Pick<WebSocket, 'readyState' | 'OPEN' | 'bufferedAmount' | 'send'>;
  readonly #nowMs: () => number;
  readonly #limit: RateLimit;
  #session: ViewerSession | null = null;
  #leave: () => void = () => {};

  constructor(
    socket: Pick<WebSocket, 'readyState' | 'OPEN' | 'bufferedAmount' | 'send'>,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#socket = socket;
    this.#nowMs = nowMs;
    this.#limit = new RateLimit(MOST_PER_SECOND, nowMs());
  }

  /** Tells of `session` from now on, and of no other. */
  follow(session: ViewerSession): void {
    if (session === this.#session) return;
    this.close();
    this.#session = session;
    this.#leave = session.onMouth((report) => this.#send(report));
  }

  /** Tells nothing more. Idempotent. */
  close(): void {
    this.#leave();
    this.#leave = () => {};
    this.#session = null;
  }

  #send({ frame, timeMs, parameters, visemes }: MouthReport): void {
    if (this.#socket.readyState !== this.#socket.OPEN || this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) return;
    if (!this.#limit.take(this.#nowMs())) return;
    const message = { type: 'mouth', frame, time_ms: timeMs, parameters, visemes };
    this.#socket.send(JSON.stringify(message, rounded));
  }
}

/** Three digits after the point: more could not be seen. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}
