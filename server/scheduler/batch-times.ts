import type { BatchTime } from './messages.ts';

/** Sizes that batches are filled up to, so that a device sees few shapes and all of them are warm. */
export const BATCH_SIZES: readonly number[] = [1, 2, 4, 8, 16];

/** Batches that the device's present speed is judged by: half a second or so. */
const REMEMBERED = 15;
/** A batch that took this many times as long as it should says that the device stood still, unless so many in a row do. */
const STANDSTILL = 4;
const STANDSTILLS_IN_A_ROW = 5;
const LEAST_MS = 0.05;
/** No device becomes more than so many times as fast as it was: it answered without drawing. */
const FASTEST = 0.1;

/**
 * How long a device takes for a batch: as measured when it was warmed up, times how much slower it has been of late. That is one
 * number for all sizes, because sizes that are not in use now are not measured now.
 */
export class BatchTimes {
  readonly #measured: readonly BatchTime[];
  readonly #ratios: number[] = [];
  #slowness = 1;
  #standstills = 0;

  /**
   * @param measured One or more, for some of {@link BATCH_SIZES}, each larger than the one before.
   * @throws {RangeError} if there are none or they are out of order.
   */
  constructor(measured: readonly BatchTime[]) {
    if (measured.length === 0 || measured.some(({ size }, at) => at > 0 && size <= measured[at - 1].size)) {
      throw new RangeError(`batch times must be of growing sizes, got ${JSON.stringify(measured)}`);
    }
    let longestMs = LEAST_MS;
    this.#measured = measured.map(({ size, ms }) => {
      // More pictures never take less time; where they seem to, it was noise.
      longestMs = Math.max(longestMs, ms);
      return { size, ms: longestMs };
    });
  }

  /** The sizes that the device takes, smallest first. */
  get sizes(): readonly number[] {
    return this.#measured.map(({ size }) => size);
  }

  get largest(): number {
    return this.#measured[this.#measured.length - 1].size;
  }

  /** The size that a batch of `count` is filled up to; the largest one for more than that. */
  sizeFor(count: number): number {
    return this.#entry(count).size;
  }

  /** Time for a batch of `count`, ms. */
  ms(count: number): number {
    return this.#entry(count).ms * this.#slowness;
  }

  /** Learns what a batch of `count` took. */
  learn(count: number, tookMs: number): void {
    const { ms } = this.#entry(count);
    const ratio = Math.max(FASTEST, tookMs / ms);
    this.#standstills = ratio > STANDSTILL * this.#slowness ? this.#standstills + 1 : 0;
    if (this.#standstills > 0 && this.#standstills < STANDSTILLS_IN_A_ROW) return;
    this.#ratios.push(ratio);
    if (this.#ratios.length > REMEMBERED) this.#ratios.shift();
    // The median: a few hiccups among them say nothing.
    this.#slowness = this.#ratios.toSorted((a, b) => a - b)[this.#ratios.length >> 1];
  }

  #entry(count: number): BatchTime {
    return this.#measured.find(({ size }) => size >= count) ?? this.#measured[this.#measured.length - 1];
  }
}
