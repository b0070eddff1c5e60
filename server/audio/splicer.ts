/** Length of a fade: 5 ms at 48 kHz, short enough to keep a consonant, long enough not to click. */
const FADE_SAMPLES = 240;

/**
 * Makes the ends of broken sound meet. It remembers the last 5 ms that were played and carries them on, mirrored
 * and fading, where their continuation is missing.
 */
export class Splicer {
  readonly #tail = new Float32Array(FADE_SAMPLES);
  readonly #fade = Float32Array.from(
    { length: FADE_SAMPLES },
    (_, n) => 0.5 + 0.5 * Math.cos((Math.PI * (n + 0.5)) / FADE_SAMPLES),
  );
  #state: 'whole' | 'cut' | 'faded' = 'faded';

  /** Sound was left out: what comes next does not continue what came last. */
  cut(): void {
    if (this.#state === 'whole') this.#state = 'cut';
  }

  /** `count` samples in place of missing sound: the last sound dies away within 5 ms, then there is silence. */
  fill(count: number): Float32Array {
    const out = new Float32Array(count);
    if (this.#state !== 'faded') this.#addTail(out);
    this.#state = 'faded';
    return out;
  }

  /**
   * Fits sound to what came before it.
   *
   * @param sound Borrowed for the call, not written.
   * @returns The same array if it continues what came before, a changed copy otherwise.
   */
  join(sound: Float32Array): Float32Array {
    let out = sound;
    if (this.#state !== 'whole') {
      out = sound.slice();
      const count = Math.min(FADE_SAMPLES, out.length);
      for (let n = 0; n < count; n += 1) out[n] *= 1 - this.#fade[n];
      if (this.#state === 'cut') this.#addTail(out);
    }
    this.#remember(out);
    this.#state = 'whole';
    return out;
  }

  #addTail(out: Float32Array): void {
    const count = Math.min(FADE_SAMPLES, out.length);
    for (let n = 0; n < count; n += 1) out[n] += this.#tail[FADE_SAMPLES - 1 - n] * this.#fade[n];
  }

  #remember(sound: Float32Array): void {
    if (sound.length >= FADE_SAMPLES) {
      this.#tail.set(sound.subarray(sound.length - FADE_SAMPLES));
      return;
    }
    this.#tail.copyWithin(0, sound.length);
    this.#tail.set(sound, FADE_SAMPLES - sound.length);
  }
}
