/**
 * Turns pictures at any times into pictures at a fixed rate, by the nearest one: says how often each picture is shown.
 *
 * Picture `k` of the result belongs to the time `k / framesPerSecond` after the first picture given.
 */
export class NearestFrames {
  readonly #framesPerSecond: number;
  #shown = 0;
  #firstSeconds: number | null = null;
  #lastSeconds = 0;
  /** How long the last picture lasts, if nobody says: as long as the one before it. */
  #gapSeconds: number;

  /** @param framesPerSecond Of the result. */
  constructor(framesPerSecond: number) {
    this.#framesPerSecond = framesPerSecond;
    this.#gapSeconds = 1 / framesPerSecond;
  }

  /** Time of the latest picture since the first one, in seconds. */
  get lengthSeconds(): number {
    return this.#lastSeconds;
  }

  /** @returns How often the picture before this one is shown; 0 for the first. Times that run backwards count as equal. */
  next(seconds: number): number {
    this.#firstSeconds ??= seconds;
    const since = Math.max(this.#lastSeconds, seconds - this.#firstSeconds);
    const middle = (this.#lastSeconds + since) / 2;
    if (since > this.#lastSeconds) this.#gapSeconds = since - this.#lastSeconds;
    this.#lastSeconds = since;
    return this.#showUntil(Math.ceil(middle * this.#framesPerSecond - 1e-6));
  }

  /** @returns How often the last picture is shown, at least once if nothing else was. */
  end(): number {
    const count = Math.round((this.#lastSeconds + this.#gapSeconds) * this.#framesPerSecond);
    return this.#showUntil(Math.max(count, 1));
  }

  #showUntil(count: number): number {
    const times = Math.max(0, count - this.#shown);
    this.#shown += times;
    return times;
  }
}
