import { createSincTable, interpolate, kaiser, sinc } from './sinc.ts';

const FACTOR = 3;
const TAPS = 91;
/** -6 dB point of the decimation filter in Hz of a 48 kHz stream: flat to 7 kHz, 60 dB down from 9.1 kHz. */
const CUTOFF_HZ = 8_000;

/** Samples at 16 kHz by which {@link Decimator} delays its input (0.94 ms). */
export const DECIMATOR_DELAY_SAMPLES = (TAPS - 1) / 2 / FACTOR;

/** 48 kHz → 16 kHz, in pieces of any length. Output sample `j` is the sound around input sample `3·(j − delay)`. */
export class Decimator {
  readonly #half = halfFilter();
  /** The last `TAPS − 1` input samples, then the piece at hand. */
  #line = new Float32Array(TAPS - 1 + 960);
  #wasZero = true;

  /**
   * @param samples Mono at 48 kHz; the length is a multiple of 3. Borrowed for the call.
   * @returns A third as many samples at 16 kHz, in a new array.
   * @throws {RangeError} if the length is not a multiple of 3.
   */
  process(samples: Float32Array): Float32Array {
    if (samples.length % FACTOR !== 0) {
      throw new RangeError(`a decimator takes a multiple of ${FACTOR} samples, got ${samples.length}`);
    }
    const out = new Float32Array(samples.length / FACTOR);
    const isZero = isAllZero(samples);
    // Sessions are silent most of the time. Once zeros fill the whole filter, so do they its output.
    if (isZero && this.#wasZero) return out;
    const line = this.#hold(samples);
    this.#filter(line, out);
    line.copyWithin(0, samples.length, samples.length + TAPS - 1);
    this.#wasZero = isZero && samples.length >= TAPS - 1;
    return out;
  }

  #hold(samples: Float32Array): Float32Array {
    if (this.#line.length < TAPS - 1 + samples.length) {
      const longer = new Float32Array(TAPS - 1 + samples.length);
      longer.set(this.#line.subarray(0, TAPS - 1));
      this.#line = longer;
    }
    this.#line.set(samples, TAPS - 1);
    return this.#line;
  }

  #filter(line: Float32Array, out: Float32Array): void {
    const half = this.#half;
    const middle = (TAPS - 1) / 2;
    for (let j = 0; j < out.length; j += 1) {
      const centre = middle + FACTOR * j;
      let sum = half[0] * line[centre];
      for (let k = 1; k <= middle; k += 1) sum += half[k] * (line[centre - k] + line[centre + k]);
      out[j] = sum;
    }
  }
}

/** 16 kHz → 48 kHz, in pieces of any length. Output sample `3·j` is the sound around input sample `j − delay`. */
export class Interpolator {
  /** One short filter for each of the three places between input samples, newest sample first. */
  readonly #phases = phaseFilters();
  readonly #history = PHASE_TAPS - 1;
  /** The last input samples, then the piece at hand. */
  #line = new Float32Array(PHASE_TAPS - 1 + 320);

  /**
   * @param samples Mono at 16 kHz. Borrowed for the call.
   * @returns Three times as many samples at 48 kHz, in a new array.
   */
  process(samples: Float32Array): Float32Array {
    const history = this.#history;
    if (this.#line.length < history + samples.length) {
      const longer = new Float32Array(history + samples.length);
      longer.set(this.#line.subarray(0, history));
      this.#line = longer;
    }
    const line = this.#line;
    line.set(samples, history);
    const out = new Float32Array(samples.length * FACTOR);
    for (const [phase, taps] of this.#phases.entries()) {
      for (let j = 0; j < samples.length; j += 1) {
        let sum = 0;
        for (let k = 0; k < taps.length; k += 1) sum += taps[k] * line[history + j - k];
        out[FACTOR * j + phase] = sum;
      }
    }
    line.copyWithin(0, samples.length, samples.length + history);
    return out;
  }
}

const PHASE_TAPS = Math.ceil(TAPS / FACTOR);

/** The decimation filter in its three phases, times three, because two of three samples that it would see are not there. */
function phaseFilters(): Float32Array[] {
  const half = halfFilter();
  const middle = (TAPS - 1) / 2;
  return Array.from({ length: FACTOR }, (_, phase) => {
    const count = Math.ceil((TAPS - phase) / FACTOR);
    return Float32Array.from({ length: count }, (_tap, k) => FACTOR * half[Math.abs(FACTOR * k + phase - middle)]);
  });
}

/** The symmetric filter from its middle outwards; the whole sums to 1. */
function halfFilter(): Float64Array {
  const middle = (TAPS - 1) / 2;
  const half = new Float64Array(middle + 1);
  let sum = 0;
  for (let k = 0; k <= middle; k += 1) {
    half[k] = sinc((k * 2 * CUTOFF_HZ) / 48_000) * kaiser(k / (middle + 1), 5.8);
    sum += k === 0 ? half[k] : 2 * half[k];
  }
  return half.map((value) => value / sum);
}

function isAllZero(samples: Float32Array): boolean {
  for (let i = 0; i < samples.length; i += 1) if (samples[i] !== 0) return false;
  return true;
}

/** Zero crossings of the sinc on each side; 24 give a transition band of a tenth of the pass band. */
const ZERO_CROSSINGS = 24;

/** Changes the rate of a whole recording, piece by piece so that a caller can let others run in between. */
export class RecordingResampler {
  /** Samples of the whole result. */
  readonly length: number;
  readonly #samples: Float32Array;
  readonly #step: number;
  readonly #table: ReturnType<typeof createSincTable>;
  readonly #isCopy: boolean;

  /**
   * @param samples Mono at `fromHz`. Read until the last `render`, never written.
   * @throws {RangeError} if a rate is not a positive number.
   */
  constructor(samples: Float32Array, fromHz: number, toHz: number) {
    for (const hz of [fromHz, toHz]) {
      if (!(hz > 0 && Number.isFinite(hz))) throw new RangeError(`a sample rate must be more than 0 Hz, got ${hz}`);
    }
    const share = Math.min(1, toHz / fromHz);
    const halfWidth = Math.ceil(ZERO_CROSSINGS / share);
    this.#samples = samples;
    this.#step = fromHz / toHz;
    this.#isCopy = fromHz === toHz;
    this.#table = createSincTable(halfWidth, 0.95 * share, 7.9);
    this.length = Math.round((samples.length * toHz) / fromHz);
  }

  /** Writes result samples `from` to `to` (without `to`) to the same places of `out`. */
  render(out: Float32Array, from: number, to: number): void {
    if (this.#isCopy) {
      out.set(this.#samples.subarray(from, to), from);
      return;
    }
    const { halfWidth } = this.#table;
    const edge = new Float32Array(2 * halfWidth);
    for (let j = from; j < to; j += 1) {
      const position = j * this.#step;
      const base = Math.floor(position);
      const first = base - halfWidth + 1;
      if (first >= 0 && first + 2 * halfWidth <= this.#samples.length) {
        out[j] = interpolate(this.#table, this.#samples, base, position - base);
        continue;
      }
      // Outside the recording there is silence.
      for (let k = 0; k < edge.length; k += 1) edge[k] = this.#samples[first + k] ?? 0;
      out[j] = interpolate(this.#table, edge, halfWidth - 1, position - base);
    }
  }
}

/**
 * Changes the rate of a whole recording at once; about 50 ns a sample, so long ones block the thread.
 *
 * @returns `round(length · toHz / fromHz)` samples without delay, in a new array.
 * @throws {RangeError} if a rate is not a positive number.
 */
export function resample(samples: Float32Array, fromHz: number, toHz: number): Float32Array {
  const resampler = new RecordingResampler(samples, fromHz, toHz);
  const out = new Float32Array(resampler.length);
  resampler.render(out, 0, out.length);
  return out;
}
