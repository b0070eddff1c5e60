import type { Pixels } from './pixels.ts';

/** Fixed-point unit of the weights: OpenCV's INTER_RESIZE_COEF_SCALE. */
const UNIT = 2048;
const LANCZOS_TAPS = 8;

/** The taps of one output column or row. */
export interface Taps {
  readonly count: number;
  /** Input places, clamped to the picture: `outLength × count`. */
  readonly places: Int32Array;
  /** Their weights times {@link UNIT}, whole numbers. */
  readonly weights: Int32Array;
}

/**
 * `cv2.resize` of 8-bit pictures: pixel centres lie at .5, borders are replicated, nothing is averaged when a picture
 * shrinks, and weights are whole multiples of 1/2048.
 *
 * @param method `linear`: INTER_LINEAR. `lanczos4`: INTER_LANCZOS4.
 * @returns A new picture, the same as OpenCV's.
 */
export function resizeAsOpenCv(
  picture: Pixels,
  widthPx: number,
  heightPx: number,
  method: 'linear' | 'lanczos4',
): Pixels {
  const tapsOf = method === 'linear' ? linearTaps : lanczosTaps;
  const { channels, data, widthPx: inWidth, heightPx: inHeight } = picture;
  const across = tapsOf(inWidth, widthPx);
  const down = tapsOf(inHeight, heightPx);
  const rowNumbers = widthPx * channels;
  const rows = new Int32Array(inHeight * rowNumbers);
  for (let y = 0; y < inHeight; y++) {
    for (let x = 0; x < widthPx; x++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = x * across.count; k < (x + 1) * across.count; k++) {
          sum += data[(y * inWidth + across.places[k]) * channels + c] * across.weights[k];
        }
        rows[y * rowNumbers + x * channels + c] = sum;
      }
    }
  }
  const out = new Uint8ClampedArray(heightPx * rowNumbers);
  for (let y = 0; y < heightPx; y++) {
    const row = out.subarray(y * rowNumbers, (y + 1) * rowNumbers);
    if (method === 'linear') mixTwoRows(rows, down, y, row);
    else sumRows(rows, down, y, row);
  }
  return { widthPx, heightPx, channels, data: new Uint8Array(out.buffer) };
}

/** Two taps per output place, as {@link resizeAsOpenCv} with `linear` uses them. */
export function linearTaps(inLength: number, outLength: number): Taps {
  return taps(2, 0, inLength, outLength, (part) => [1 - part, part]);
}

function lanczosTaps(inLength: number, outLength: number): Taps {
  return taps(LANCZOS_TAPS, 3, inLength, outLength, (part) => {
    const weights = Array.from({ length: LANCZOS_TAPS }, (_, k) => lanczos4(part + 3 - k));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  });
}

/** @param before Taps that lie before the one that the place falls on. */
function taps(
  count: number,
  before: number,
  inLength: number,
  outLength: number,
  weightsAt: (part: number) => number[],
): Taps {
  const places = new Int32Array(outLength * count);
  const weights = new Int32Array(outLength * count);
  const scale = inLength / outLength;
  for (let at = 0; at < outLength; at++) {
    const place = Math.fround((at + 0.5) * scale - 0.5);
    const whole = Math.floor(place);
    for (const [k, weight] of weightsAt(Math.fround(place - whole)).entries()) {
      places[at * count + k] = Math.min(Math.max(whole - before + k, 0), inLength - 1);
      weights[at * count + k] = Math.round(weight * UNIT);
    }
  }
  return { count, places, weights };
}

/** The Lanczos window of four lobes. */
function lanczos4(x: number): number {
  if (Math.abs(x) < 1e-6) return 1;
  if (Math.abs(x) >= 4) return 0;
  const angle = Math.PI * x;
  return (4 * Math.sin(angle) * Math.sin(angle / 4)) / (angle * angle);
}

function sumRows(rows: Int32Array, down: Taps, y: number, out: Uint8ClampedArray): void {
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let k = y * down.count; k < (y + 1) * down.count; k++) {
      sum += rows[down.places[k] * out.length + i] * down.weights[k];
    }
    out[i] = Math.floor(sum / (UNIT * UNIT) + 0.5);
  }
}

/** OpenCV drops bits on the way here, and so do we: it is the difference between its picture and one that is a level off. */
export function mixTwoRows(rows: Int32Array, down: Taps, y: number, out: Uint8ClampedArray): void {
  const upper = down.places[2 * y] * out.length;
  const lower = down.places[2 * y + 1] * out.length;
  const [a, b] = [down.weights[2 * y], down.weights[2 * y + 1]];
  for (let i = 0; i < out.length; i++) {
    out[i] = ((((rows[upper + i] >> 4) * a) >> 16) + (((rows[lower + i] >> 4) * b) >> 16) + 2) >> 2;
  }
}
