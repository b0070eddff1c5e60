/** The smallest of the values of the newest `windowMs` to `2·windowMs`. */
export class SlidingMinimum {
  readonly #windowMs: number;
  #older = Number.POSITIVE_INFINITY;
  #newer = Number.POSITIVE_INFINITY;
  #newerSinceMs = Number.NEGATIVE_INFINITY;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Adds a value and returns the smallest. */
  add(value: number, nowMs: number): number {
    if (nowMs - this.#newerSinceMs >= this.#windowMs) {
      this.#older = this.#newer;
      this.#newer = value;
      this.#newerSinceMs = nowMs;
    }
    this.#newer = Math.min(this.#newer, value);
    return Math.min(this.#older, this.#newer);
  }
}
