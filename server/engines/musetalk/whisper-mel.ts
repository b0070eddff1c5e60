import { MEL_BINS, MEL_HOP_SAMPLES, MEL_SILENCE, MEL_WINDOW_SAMPLES, MelWindow } from '../../audio/log-mel.ts';

/** What lies so many decades below the loudest bin is raised to there. */
const RANGE_DECADES = 8;

/**
 * Log-mel spectrogram as Whisper's encoder was trained on it (WhisperFeatureExtractor: centred windows of 400 with reflected
 * ends, 80 mel bands, log10, the loudest eight decades, `(x + 4) / 4`).
 *
 * Unlike {@link LogMel}, which hears a stream, this one looks at a whole piece of sound, since its scale follows the loudest bin in it.
 */
export class WhisperMel {
  readonly #window = new MelWindow();

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
      this.#cut(samples, length, frame * MEL_HOP_SAMPLES - MEL_WINDOW_SAMPLES / 2);
      loudest = Math.max(loudest, this.#window.writeBins(out, frame, frames));
    }
    const floor = loudest - RANGE_DECADES;
    for (let i = 0; i < out.length; i++) out[i] = (Math.max(out[i], floor) + 4) / 4;
  }

  /** Brings the samples from `first` on under the window. */
  #cut(samples: Float32Array, length: number, first: number): void {
    for (let n = 0; n < MEL_WINDOW_SAMPLES; n++) {
      let at = Math.abs(first + n);
      if (at >= length) at = 2 * (length - 1) - at;
      this.#window.samples[n] = at < samples.length ? samples[at] : 0;
    }
  }
}
