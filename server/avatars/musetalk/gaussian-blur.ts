import type { Pixels } from './pixels.ts';

/** Weights of OpenCV's blur of 8-bit pictures are whole multiples of 1/256. */
const UNIT = 256;
/** For small kernels without a sigma OpenCV has fixed weights, here by size. */
const SMALL: Readonly<Record<number, readonly number[]>> = {
  1: [1],
  3: [0.25, 0.5, 0.25],
  5: [0.0625, 0.25, 0.375, 0.25, 0.0625],
  7: [0.03125, 0.109375, 0.21875, 0.28125, 0.21875, 0.109375, 0.03125],
};

/**
 * `cv2.GaussianBlur` of a picture with one channel, with `sigma` 0, which makes it follow from the size; the border is reflected
 * without its last pixel.
 *
 * @param size Odd.
 * @returns A new picture.
 */
export function gaussianBlur({ widthPx, heightPx, data }: Pixels, size: number): Pixels {
  const weights = gaussianWeights(size);
  const half = (size - 1) / 2;
  const across = new Uint16Array(widthPx * heightPx);
  const used: number[] = [];
  const columns = Int32Array.from({ length: widthPx + 2 * half }, (_, i) => reflect(i - half, widthPx));
  for (let y = 0; y < heightPx; y++) {
    const row = data.subarray(y * widthPx, (y + 1) * widthPx);
    // Most of a mask is empty.
    if (row.every((value) => value === 0)) continue;
    used.push(y);
    for (let x = 0; x < widthPx; x++) {
      let sum = 0;
      for (let k = 0; k < size; k++) sum += row[columns[x + k]] * weights[k];
      across[y * widthPx + x] = sum;
    }
  }
  const out = new Uint8Array(widthPx * heightPx);
  const sums = new Int32Array(widthPx);
  const [first = heightPx, last = 0] = [used[0], used.at(-1)];
  for (let y = Math.max(0, first - half); y < Math.min(heightPx, last + half + 1); y++) {
    sums.fill(0);
    for (let k = 0; k < size; k++) {
      const from = reflect(y - half + k, heightPx) * widthPx;
      const weight = weights[k];
      for (let x = 0; x < widthPx; x++) sums[x] += across[from + x] * weight;
    }
    for (let x = 0; x < widthPx; x++) out[y * widthPx + x] = (sums[x] + (UNIT * UNIT) / 2) >> 16;
  }
  return { widthPx, heightPx, channels: 1, data: out };
}

/** Weights times {@link UNIT}; they sum to it, since what rounding leaves over goes on to the next one and the rest to the middle. */
function gaussianWeights(size: number): number[] {
  const exact = SMALL[size] ?? gaussian(size, 0.3 * ((size - 1) * 0.5 - 1) + 0.8);
  const half = (size - 1) / 2;
  const out = new Array<number>(size).fill(0);
  let left = 0;
  let sum = 0;
  for (let k = 0; k < half; k++) {
    const wanted = exact[k] * UNIT + left;
    out[k] = out[size - 1 - k] = roundHalfEven(wanted);
    left = wanted - out[k];
    sum += 2 * out[k];
  }
  out[half] = UNIT - sum;
  return out;
}

function gaussian(size: number, sigma: number): number[] {
  const raw = Array.from({ length: size }, (_, k) => Math.exp(-((k - (size - 1) / 2) ** 2) / (2 * sigma * sigma)));
  const sum = raw.reduce((total, value) => total + value, 0);
  return raw.map((value) => value / sum);
}

function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** The place that stands for one outside `[0, length)`: … 2 1 | 0 1 2 … */
function reflect(at: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const within = ((at % period) + period) % period;
  return within < length ? within : period - within;
}
