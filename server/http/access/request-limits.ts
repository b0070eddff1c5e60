import { RateLimit } from '../rate-limit.ts';
import type { Grant } from './access.ts';

/** Callers that are remembered; the one that was quiet longest is forgotten for a new one. */
const MAX_CALLERS = 4096;

/** Counts requests by key, or by address where access is free. */
export class RequestLimits {
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  /** In the order of their last request. */
  readonly #callers = new Map<string, RateLimit>();

  /** @param perSecond Requests of a caller that has no limit of its own; a burst of twice as many passes. */
  constructor(perSecond: number, nowMs: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
  }

  /** Callers that are remembered. */
  get size(): number {
    return this.#callers.size;
  }

  /** Counts one request; false if it is too many. */
  take(grant: Grant, address: string): boolean {
    const caller = grant.credential === 'none' ? `address ${address}` : `key ${grant.subject}`;
    const limit =
      this.#callers.get(caller) ?? new RateLimit(grant.maxRequestsPerSecond ?? this.#perSecond, this.#nowMs());
    this.#callers.delete(caller);
    this.#callers.set(caller, limit);
    if (this.#callers.size > MAX_CALLERS) {
      for (const oldest of this.#callers.keys()) {
        this.#callers.delete(oldest);
        break;
      }
    }
    return limit.take(this.#nowMs());
  }
}
