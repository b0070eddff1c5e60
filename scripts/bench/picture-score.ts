/** Brightness of a square picture, row-major, 0..255. */
export interface Luma {
  readonly sizePx: number;
  readonly data: ArrayLike<number>;
}

/** How close a drawn picture is to the true one, over a region. */
export interface PictureScore {
  /** Peak signal-to-noise ratio, dB. */
  readonly psnrDb: number;
  /** Structural similarity (Wang et al., 2004), 1 if equal; mean over windows of 8 × 8. */
  readonly ssim: number;
  /** Steepness of the drawn picture's edges as a share of the true one's: below 1 it is blurred. */
  readonly sharpness: number;
}

const WINDOW = 8;
const WINDOW_STEP = 4;
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;

/** @param region 1 where pixels count, else 0; as many numbers as the pictures have pixels. */
export function scorePicture(drawn: Luma, truth: Luma, region: Uint8Array): PictureScore {
  let [error, count, drawnEdges, trueEdges] = [0, 0, 0, 0];
  const size = truth.sizePx;
  for (let at = 0; at < region.length; at++) {
    if (region[at] === 0) continue;
    error += (drawn.data[at] - truth.data[at]) ** 2;
    count++;
    drawnEdges += steepness(drawn, at);
    trueEdges += steepness(truth, at);
  }
  let [similarity, windows] = [0, 0];
  for (let y = 0; y + WINDOW <= size; y += WINDOW_STEP) {
    for (let x = 0; x + WINDOW <= size; x += WINDOW_STEP) {
      if (region[(y + WINDOW / 2) * size + x + WINDOW / 2] === 0) continue;
      similarity += windowSimilarity(drawn, truth, x, y);
      windows++;
    }
  }
  const psnrDb = 10 * Math.log10((255 * 255 * count) / Math.max(error, 1e-9 * count));
  return { psnrDb, ssim: similarity / windows, sharpness: drawnEdges / trueEdges };
}

/** Mean difference of two pictures over a region, in levels. */
export function meanDifference(one: Luma, other: Luma, region: Uint8Array): number {
  let [sum, count] = [0, 0];
  for (let at = 0; at < region.length; at++) {
    if (region[at] === 0) continue;
    sum += Math.abs(one.data[at] - other.data[at]);
    count++;
  }
  return sum / count;
}

function steepness({ data, sizePx }: Luma, at: number): number {
  const right = at + 1 < data.length ? data[at + 1] - data[at] : 0;
  const below = at + sizePx < data.length ? data[at + sizePx] - data[at] : 0;
  return Math.hypot(right, below);
}

function windowSimilarity(one: Luma, other: Luma, x: number, y: number): number {
  let [a, b, aa, bb, ab] = [0, 0, 0, 0, 0];
  for (let j = y; j < y + WINDOW; j++) {
    for (let i = x; i < x + WINDOW; i++) {
      const p = one.data[j * one.sizePx + i];
      const q = other.data[j * other.sizePx + i];
      a += p;
      b += q;
      aa += p * p;
      bb += q * q;
      ab += p * q;
    }
  }
  const n = WINDOW * WINDOW;
  const [ma, mb] = [a / n, b / n];
  const [va, vb, vab] = [aa / n - ma * ma, bb / n - mb * mb, ab / n - ma * mb];
  return ((2 * ma * mb + C1) * (2 * vab + C2)) / ((ma * ma + mb * mb + C1) * (va + vb + C2));
}
