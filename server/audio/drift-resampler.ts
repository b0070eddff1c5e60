import { createSincTable, interpolate } from './sinc.ts';

const HALF_WIDTH = 8;

/** Samples beyond the last position read that the interpolation looks at (0.17 ms). */
export const DRIFT_LOOK_AHEAD_SAMPLES = HALF_WIDTH;

/**
 * Sound between two clocks that run at almost the same rate. Capacity is set by its maker; when it is full, the oldest
 * samples go; emptied by {@link read}, at a speed that may change with every call without a click.
 */
export class DriftResampler {
  readonly #table = createSincTable(HALF_WIDTH, 1, 7.5);
  readonly #capacity: number;
  readonly #line: Float32Array;
  /** Samples in `#line`. */
  #end = HALF_WIDTH;
  /** Place in `#line` of the next sample to read, between two samples in general. */
  #position = HALF_WIDTH;

  /** @param capacitySamples Most samples that wait to be read. */
  constructor(capacitySamples: number) {
    this.#capacity = capacitySamples;
    // Twice the room, so that the samples move to the front once in a while and not at every call.
    this.#line = new Float32Array(2 * (capacitySamples + 2 * HALF_WIDTH));
  }

  /** Samples that wait to be read; not whole in general. */
  get bufferedSamples(): number {
    return this.#end - this.#position;
  }

  /**
   * Appends sound.
   *
   * @param samples At most the capacity. Borrowed for the call.
   * @returns How many of the oldest samples had to go.
   * @throws {RangeError} if there are more than the capacity.
   */
  push(samples: Float32Array): number {
    if (samples.length > this.#capacity) {
      throw new RangeError(`at most ${this.#capacity} samples fit, got ${samples.length}`);
    }
    const surplus = Math.max(0, Math.ceil(this.bufferedSamples + samples.length - this.#capacity));
    this.#position += surplus;
    if (this.#end + samples.length > this.#line.length) this.#moveToFront();
    this.#line.set(samples, this.#end);
    this.#end += samples.length;
    return surplus;
  }

  /** Samples that must still be pushed before `count` can be read at `speed`; 0 if they are there. */
  missing(count: number, speed: number): number {
    return Math.max(0, Math.floor(this.#position + (count - 1) * speed) + HALF_WIDTH + 1 - this.#end);
  }

  /**
   * Takes `out.length · speed` samples and gives `out.length`.
   *
   * @param speed Input samples per output sample, 0.98 to 1.02.
   * @throws {RangeError} if the speed is outside that range or {@link missing} is not 0.
   */
  read(out: Float32Array, speed: number): void {
    if (!(speed >= 0.98 && speed <= 1.02)) throw new RangeError(`speed must be 0.98 to 1.02, got ${speed}`);
    const missing = this.missing(out.length, speed);
    if (missing > 0) throw new RangeError(`${missing} samples are missing for ${out.length} at speed ${speed}`);
    const start = this.#position;
    if (speed === 1 && Number.isInteger(start)) {
      out.set(this.#line.subarray(start, start + out.length));
    } else {
      for (let i = 0; i < out.length; i += 1) {
        const at = start + i * speed;
        const base = Math.floor(at);
        out[i] = interpolate(this.#table, this.#line, base, at - base);
      }
    }
    this.#position = start + out.length * speed;
  }

  /** Forgets everything. */
  clear(): void {
    this.#line.fill(0, 0, HALF_WIDTH);
    this.#end = HALF_WIDTH;
    this.#position = HALF_WIDTH;
  }

  #moveToFront(): void {
    const first = Math.floor(this.#position) - HALF_WIDTH;
    this.#line.copyWithin(0, first, this.#end);
    this.#end -= first;
    this.#position -= first;
  }
}
