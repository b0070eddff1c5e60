import { FRAME_MS, FRAMES_PER_SECOND } from '../audio/pcm.ts';
import type { Histogram } from '../metrics.ts';

/** Measures how often a mouth that speaks is drawn anew: a device that is shared by too many draws it less than 25 times a second. */
export class MouthMeter {
  readonly #gaps: Histogram;
  /** Whether each of the newest frames that wanted a mouth got a new one; a second of them at most. */
  readonly #newest: boolean[] = [];
  #framesSinceNew: number | null = null;

  /** @param gaps Takes the time from one new mouth to the next, ms. */
  constructor(gaps: Histogram) {
    this.#gaps = gaps;
  }

  /** New mouths a second, of the last second in which some were wanted; null before that. */
  get perSecond(): number | null {
    const { length } = this.#newest;
    if (length === 0) return null;
    return Math.round((this.#newest.filter((isNew) => isNew).length * FRAMES_PER_SECOND) / length);
  }

  /** Takes the next frame that wanted a mouth. */
  note(isNew: boolean): void {
    this.#newest.push(isNew);
    if (this.#newest.length > FRAMES_PER_SECOND) this.#newest.shift();
    if (this.#framesSinceNew !== null) this.#framesSinceNew += 1;
    if (!isNew) return;
    if (this.#framesSinceNew !== null) this.#gaps.record(this.#framesSinceNew * FRAME_MS);
    this.#framesSinceNew = 0;
  }

  /** The next frame wants no mouth: the time until the next one that does is no gap. */
  pause(): void {
    this.#framesSinceNew = null;
  }
}
