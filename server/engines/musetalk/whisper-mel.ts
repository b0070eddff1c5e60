import { PowerSpectrum } from '../../audio/fft.ts';
import { MEL_BINS, MEL_HOP_SAMPLES, MEL_SILENCE, MEL_WINDOW_SAMPLES, melFilters } from '../../audio/log-mel.ts';

/** What lies so many decades below the loudest bin is raised to there. */
const RANGE_DECADES = 8;

/**
 * Log-mel spectrogram as Whisper's encoder was trained on it (WhisperFeatureExtractor: centred windows of 400 with reflected
 * ends, 80 mel bands, log10, the loudest eight decades, `(x + 4) / 4`).
 *
 * Unlike {@link LogMel}, which hears a stream, this one looks at a whole piece of sound, since its scale follows the loudest bin in it.
 */
export class WhisperMel {
  readonly #spectrum = new PowerSpectrum(MEL_WINDOW_SAMPLES);
  readonly #filters = melFilters();
  readonly #hann = Float64Array.from(
    { length: MEL_WINDOW_SAMPLES },
    (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / MEL_WINDOW_SAMPLES),
  );
  readonly #windowed = new Float64Array(MEL_WINDOW_SAMPLES);
  readonly #power = new Float64Array(MEL_WINDOW_SAMPLES / 2 + 1);

  /**
   * @param samples Mono at 16 kHz, at most `out.length / 80` times 160; the rest is silence. Borrowed for the call.
   * @param out `80 × frames`, row-major, one row per band; written completely. Frame `k` looks at the 25 ms around sample `160·k`.
   * @throws {RangeError} if there are more samples.
   */
  compute(samples: Float32Array, out: Float32Array): void {
    const frames = out.length / MEL_BINS;
    const length = frames * MEL_HOP_SAMPLES;
    if (samples.length > length) {
      throw new RangeError(`${frames} frames take ${length} samples at most, got ${samples.length}`);
    }
    let loudest = MEL_SILENCE;
    // Frames from here on lie wholly in the silence after the sound, unless the end reflects it.
    const isFull = samples.length > length - MEL_WINDOW_SAMPLES;
    const end = isFull ? frames : Math.ceil((samples.length + MEL_WINDOW_SAMPLES / 2) / MEL_HOP_SAMPLES);
    for (let band = 0; band < MEL_BINS; band++) out.fill(MEL_SILENCE, band * frames + end, (band + 1) * frames);
    for (let frame = 0; frame < end; frame++) {
      if (!this.#cut(samples, length, frame * MEL_HOP_SAMPLES - MEL_WINDOW_SAMPLES / 2)) {
        for (let band = 0; band < MEL_BINS; band++) out[band * frames + frame] = MEL_SILENCE;
        continue;
      }
      this.#spectrum.compute(this.#windowed, this.#power);
      for (const [band, { firstBin, weights }] of this.#filters.entries()) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * this.#power[firstBin + k];
        const value = Math.log10(Math.max(sum, 1e-10));
        if (value > loudest) loudest = value;
        out[band * frames + frame] = value;
      }
    }
    const floor = loudest - RANGE_DECADES;
    for (let i = 0; i < out.length; i++) out[i] = (Math.max(out[i], floor) + 4) / 4;
  }

  /** Brings the samples from `first` on under the window. @returns False if they are all silent. */
  #cut(samples: Float32Array, length: number, first: number): boolean {
    let isSilent = true;
    for (let n = 0; n < MEL_WINDOW_SAMPLES; n++) {
      let at = Math.abs(first + n);
      if (at >= length) at = 2 * (length - 1) - at;
      const sample = at < samples.length ? samples[at] : 0;
      if (sample !== 0) isSilent = false;
      this.#windowed[n] = sample * this.#hann[n];
    }
    return !isSilent;
  }
}
