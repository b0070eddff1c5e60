import { MEL_BINS } from '../../audio/log-mel.ts';

/** Rows of a window: 60 ms before the frame, its 40 ms, 40 ms after. */
export const WINDOW_ROWS = 14;
/**
 * The rows that speak of the frame itself. Their middles lie 4 to 34 ms after the frame's beginning, evenly
 * around its middle (a row's 25 ms end where its 10 ms end).
 */
export const FRAME_ROWS = { first: 7, last: 10 } as const;

/** Bands of mel bins, first to last, by what they tell: 100-420, 480-950, 950-1500, 1700-3000, 4200-8000 and 80-6000 Hz. */
const LOW = [2, 10] as const;
const FIRST = [12, 24] as const;
const MIDDLE = [25, 36] as const;
const SECOND = [40, 54] as const;
const HISS = [64, 79] as const;
const WHOLE = [2, 72] as const;
/** 600-3100 Hz: the voice without its hum, which goes on behind closed lips. */
const FORMANTS = [16, 55] as const;
/** Bins where harmonics and formants stand out of a voice's spectrum: up to 2 kHz. */
const PEAKS = [4, 43] as const;
/** Rows whose mean shape is judged for peaks. */
const PEAK_ROWS = { first: 8, last: 13 } as const;
/** Keeps logarithms of silence finite: -90 dB. */
const FLOOR = 1e-9;

/** Levels of a feature window in dB (10 log10 of mean mel power). A full-scale sine has about +25, steady noise about 7 more than its dBFS. */
export class Spectrum {
  /** Level of every row, of the whole band and of the formants (600-3100 Hz) alone. */
  readonly levels = new Float32Array(WINDOW_ROWS);
  readonly formants = new Float32Array(WINDOW_ROWS);
  /** Levels of bands during the frame; see the constants. */
  low = 0;
  first = 0;
  middle = 0;
  second = 0;
  hiss = 0;
  level = 0;
  /** Highest level of the hiss band in the rows after the frame's first. */
  loudestHiss = 0;
  /** Standard deviation over bins, in dB, of the spectrum without its slope: below 3 for steady noise of any slope, 4 and more for vowels. */
  peakiness = 0;
  readonly #power = new Float64Array(WINDOW_ROWS * MEL_BINS);

  /** @param features Row-major `[14, 80]`. Borrowed for the call. */
  read(features: Float32Array): void {
    if (features.length !== WINDOW_ROWS * MEL_BINS) {
      throw new RangeError(`features must have ${WINDOW_ROWS} rows of ${MEL_BINS}, got ${features.length} numbers`);
    }
    for (let i = 0; i < features.length; i++) this.#power[i] = Math.exp(Math.LN10 * features[i]);
    for (let row = 0; row < WINDOW_ROWS; row++) {
      this.levels[row] = this.#band(WHOLE, row, row);
      this.formants[row] = this.#band(FORMANTS, row, row);
    }
    const { first, last } = FRAME_ROWS;
    this.low = this.#band(LOW, first, last);
    this.first = this.#band(FIRST, first, last);
    this.middle = this.#band(MIDDLE, first, last);
    this.second = this.#band(SECOND, first, last);
    this.hiss = this.#band(HISS, first, last);
    this.level = this.#band(WHOLE, first, last);
    this.loudestHiss = Number.NEGATIVE_INFINITY;
    for (let row = first + 1; row < WINDOW_ROWS; row++) {
      this.loudestHiss = Math.max(this.loudestHiss, this.#band(HISS, row, row));
    }
    this.peakiness = peakiness(features);
  }

  #band([low, high]: readonly [number, number], firstRow: number, lastRow: number): number {
    let sum = 0;
    for (let row = firstRow; row <= lastRow; row++) {
      for (let bin = low; bin <= high; bin++) sum += this.#power[row * MEL_BINS + bin];
    }
    return 10 * Math.log10(sum / ((lastRow - firstRow + 1) * (high - low + 1)) + FLOOR);
  }
}

const shape = new Float64Array(PEAKS[1] - PEAKS[0] + 1);

function peakiness(features: Float32Array): number {
  const rows = PEAK_ROWS.last - PEAK_ROWS.first + 1;
  const middle = (shape.length - 1) / 2;
  let mean = 0;
  let slope = 0;
  let spread = 0;
  for (let i = 0; i < shape.length; i++) {
    let sum = 0;
    for (let row = PEAK_ROWS.first; row <= PEAK_ROWS.last; row++) sum += features[row * MEL_BINS + PEAKS[0] + i];
    shape[i] = (10 * sum) / rows;
    mean += shape[i] / shape.length;
    slope += shape[i] * (i - middle);
    spread += (i - middle) ** 2;
  }
  slope /= spread;
  let variance = 0;
  for (let i = 0; i < shape.length; i++) variance += (shape[i] - mean - slope * (i - middle)) ** 2 / shape.length;
  return Math.sqrt(variance);
}
