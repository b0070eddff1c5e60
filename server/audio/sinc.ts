/** Phases between two input samples; between phases, coefficients are interpolated (error below -90 dB). */
const PHASES = 256;

/** Interpolation filters for every position between two samples. */
export interface SincTable {
  /** Input samples on each side of the wanted position; a filter has twice as many taps. */
  readonly halfWidth: number;
  /** `(PHASES + 1) × 2·halfWidth` coefficients; each row sums to 1. */
  readonly rows: Float32Array;
}

/**
 * A Kaiser-windowed sinc.
 *
 * @param halfWidth Input samples on each side.
 * @param cutoff Edge of the pass band as a share of the input's Nyquist frequency, more than 0 and at most 1.
 * @param beta Shape of the Kaiser window: 7.9 for 80 dB of stop band.
 */
export function createSincTable(halfWidth: number, cutoff: number, beta: number): SincTable {
  const taps = 2 * halfWidth;
  const rows = new Float32Array((PHASES + 1) * taps);
  for (let phase = 0; phase <= PHASES; phase += 1) {
    const row = rows.subarray(phase * taps, (phase + 1) * taps);
    let sum = 0;
    for (let tap = 0; tap < taps; tap += 1) {
      const distance = tap - halfWidth + 1 - phase / PHASES;
      row[tap] = sinc(distance * cutoff) * kaiser(distance / halfWidth, beta);
      sum += row[tap];
    }
    for (let tap = 0; tap < taps; tap += 1) row[tap] /= sum;
  }
  return { halfWidth, rows };
}

/**
 * The value of `samples` at `base + fraction`. The caller makes sure that samples `base - halfWidth + 1` to
 * `base + halfWidth` exist.
 *
 * @param fraction 0 to 1, without 1.
 */
export function interpolate(table: SincTable, samples: Float32Array, base: number, fraction: number): number {
  const { rows, halfWidth } = table;
  const taps = 2 * halfWidth;
  const at = fraction * PHASES;
  const phase = Math.floor(at);
  const first = base - halfWidth + 1;
  let row = phase * taps;
  let before = 0;
  let after = 0;
  for (let tap = 0; tap < taps; tap += 1, row += 1) {
    const sample = samples[first + tap];
    before += sample * rows[row];
    after += sample * rows[row + taps];
  }
  return before + (at - phase) * (after - before);
}

/** sin(πx)/(πx). */
export function sinc(x: number): number {
  if (x === 0) return 1;
  return Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Kaiser window over -1..1 (Kaiser 1974); 0 outside. */
export function kaiser(x: number, beta: number): number {
  if (Math.abs(x) >= 1) return 0;
  return bessel(beta * Math.sqrt(1 - x * x)) / bessel(beta);
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
