import { PowerSpectrum } from './fft.ts';
import { MODEL_SAMPLE_RATE_HZ } from './pcm.ts';

/** Bins of a row. */
export const MEL_BINS = 80;
/** Samples from one row to the next: 10 ms at 16 kHz. */
export const MEL_HOP_SAMPLES = 160;
/** Samples that one row looks at: 25 ms at 16 kHz. */
export const MEL_WINDOW_SAMPLES = 400;
/** Value of every bin in digital silence. */
export const MEL_SILENCE = -10;

/**
 * Log-mel spectrogram of a stream, as Whisper defines it (periodic Hann window, unscaled |X|², Slaney's mel filters, log10)
 * but without its normalisation over an utterance.
 *
 * Row `k` looks at samples `[160k − 240, 160k + 160)`, so it is complete with the 10 ms that it is named after. The middle
 * of its window lies 40 samples (2.5 ms) before the beginning of those 10 ms. Before the stream there is silence.
 */
export class LogMel {
  readonly #window = new MelWindow();
  /** Samples from the next row's window on, as far as they have come. */
  #line = new Float32Array(MEL_WINDOW_SAMPLES + 1600);
  #count = MEL_WINDOW_SAMPLES - MEL_HOP_SAMPLES;

  /**
   * @param samples Mono at 16 kHz, any number. Borrowed for the call.
   * @returns The rows that are complete by now, row-major `[n, 80]`, each bin -10 or more, in a new array.
   */
  push(samples: Float32Array): Float32Array {
    if (this.#count + samples.length > this.#line.length) {
      const longer = new Float32Array(this.#count + samples.length);
      longer.set(this.#line.subarray(0, this.#count));
      this.#line = longer;
    }
    this.#line.set(samples, this.#count);
    this.#count += samples.length;
    const rows = Math.max(0, Math.floor((this.#count - MEL_WINDOW_SAMPLES) / MEL_HOP_SAMPLES) + 1);
    const out = new Float32Array(rows * MEL_BINS);
    for (let row = 0; row < rows; row += 1) this.#writeRow(row * MEL_HOP_SAMPLES, out, row * MEL_BINS);
    this.#line.copyWithin(0, rows * MEL_HOP_SAMPLES, this.#count);
    this.#count -= rows * MEL_HOP_SAMPLES;
    return out;
  }

  #writeRow(from: number, out: Float32Array, at: number): void {
    const { samples } = this.#window;
    for (let n = 0; n < MEL_WINDOW_SAMPLES; n += 1) samples[n] = this.#line[from + n];
    this.#window.writeBins(out, at, 1);
  }
}

/** 25 ms of sound under a periodic Hann window, and what Slaney's filters hear of it. */
export class MelWindow {
  /** {@link MEL_WINDOW_SAMPLES}, to be written before each call. */
  readonly samples = new Float64Array(MEL_WINDOW_SAMPLES);
  readonly #spectrum = new PowerSpectrum(MEL_WINDOW_SAMPLES);
  readonly #filters = melFilters();
  readonly #hann = Float64Array.from(
    { length: MEL_WINDOW_SAMPLES },
    (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / MEL_WINDOW_SAMPLES),
  );
  readonly #windowed = new Float64Array(MEL_WINDOW_SAMPLES);
  readonly #power = new Float64Array(MEL_WINDOW_SAMPLES / 2 + 1);

  /**
   * Writes log10 of the power in each bin, {@link MEL_SILENCE} or more, to `out[at + bin·step]`.
   * @returns The loudest of them.
   */
  writeBins(out: Float32Array, at: number, step: number): number {
    let isSilent = true;
    for (let n = 0; n < MEL_WINDOW_SAMPLES; n += 1) {
      if (this.samples[n] !== 0) isSilent = false;
      this.#windowed[n] = this.samples[n] * this.#hann[n];
    }
    if (isSilent) {
      for (let bin = 0; bin < MEL_BINS; bin += 1) out[at + bin * step] = MEL_SILENCE;
      return MEL_SILENCE;
    }
    this.#spectrum.compute(this.#windowed, this.#power);
    let loudest = MEL_SILENCE;
    for (let bin = 0; bin < MEL_BINS; bin += 1) {
      const { firstBin, weights } = this.#filters[bin];
      let sum = 0;
      for (let k = 0; k < weights.length; k += 1) sum += weights[k] * this.#power[firstBin + k];
      const value = Math.log10(Math.max(sum, 1e-10));
      if (value > loudest) loudest = value;
      out[at + bin * step] = value;
    }
    return loudest;
  }
}

/** One triangle: weights of the spectrum's bins from `firstBin` on. */
export interface MelFilter {
  readonly firstBin: number;
  readonly weights: Float64Array;
}

/**
 * The 80 triangles of Slaney's Auditory Toolbox from 0 to 8 kHz: equally spaced in mel, straight in Hz, each of area 1.
 * The same numbers as librosa's `filters.mel(sr=16000, n_fft=400, n_mels=80)`.
 */
export function melFilters(): MelFilter[] {
  const highestMel = hzToMel(MODEL_SAMPLE_RATE_HZ / 2);
  const edgesHz = Array.from({ length: MEL_BINS + 2 }, (_, i) => melToHz((highestMel * i) / (MEL_BINS + 1)));
  const binHz = MODEL_SAMPLE_RATE_HZ / MEL_WINDOW_SAMPLES;
  return Array.from({ length: MEL_BINS }, (_, i) => {
    const [lowHz, midHz, highHz] = edgesHz.slice(i, i + 3);
    const firstBin = Math.floor(lowHz / binHz) + 1;
    const endBin = Math.ceil(highHz / binHz);
    const weights = Float64Array.from({ length: Math.max(0, endBin - firstBin) }, (_, k) => {
      const hz = (firstBin + k) * binHz;
      const height = Math.min((hz - lowHz) / (midHz - lowHz), (highHz - hz) / (highHz - midHz));
      return (height * 2) / (highHz - lowHz);
    });
    return { firstBin, weights };
  });
}

// Slaney's scale: straight up to 1 kHz, logarithmic above.
const LINEAR_HZ_PER_MEL = 200 / 3;
const MELS_PER_LOG = 27 / Math.log(6.4);

function hzToMel(hz: number): number {
  return hz < 1000 ? hz / LINEAR_HZ_PER_MEL : 15 + Math.log(hz / 1000) * MELS_PER_LOG;
}

function melToHz(mel: number): number {
  return mel < 15 ? mel * LINEAR_HZ_PER_MEL : 1000 * Math.exp((mel - 15) / MELS_PER_LOG);
}
