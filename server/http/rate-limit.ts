/** Lets `perSecond` events through on average, and a burst of twice as many. */
export class RateLimit {
  readonly #perSecond: number;
  #left: number;
  #atMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#left = 2 * perSecond;
    this.#atMs = nowMs;
  }

  /** Counts one event; false if it is too many. */
  take(nowMs: number): boolean {
    const earned = ((nowMs - this.#atMs) * this.#perSecond) / 1000;
    this.#left = Math.min(2 * this.#perSecond, this.#left + earned);
    this.#atMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
