/** A better value must have been within reach for so long before it is taken. */
const ROOM_FOR_MS = 3_000;

/** A limit that falls at once and rises with patience, so that it does not swing. */
export class CautiousLimit {
  readonly #best: number;
  #value: number;
  #roomSinceMs = Number.POSITIVE_INFINITY;
  #followedMs = Number.NEGATIVE_INFINITY;

  /** @param best Where it begins, and where it is after nobody asked for long. */
  constructor(best: number) {
    this.#best = best;
    this.#value = best;
  }

  get value(): number {
    return this.#value;
  }

  /**
   * @param bearable What it may be at most.
   * @param roomy What it may rise to; less than `bearable`, so that a little less does not make it fall again.
   */
  follow(bearable: number, roomy: number, nowMs: number): void {
    if (nowMs - this.#followedMs > ROOM_FOR_MS) this.#value = this.#best;
    this.#followedMs = nowMs;
    this.#value = Math.min(this.#value, bearable);
    if (roomy <= this.#value) this.#roomSinceMs = Number.POSITIVE_INFINITY;
    else this.#roomSinceMs = Math.min(this.#roomSinceMs, nowMs);
    if (nowMs - this.#roomSinceMs < ROOM_FOR_MS) return;
    this.#value = roomy;
    this.#roomSinceMs = Number.POSITIVE_INFINITY;
  }
}
