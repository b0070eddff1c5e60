import { CROP_SIZE_PX } from '../../avatars/avatar.ts';

/** A mask below this is not seen: the network is never quite sure of anything, wherever it looks. */
export const FAINT = 4;
/** A mask value from which a pixel belongs to the opening. */
const INSIDE = 128;
/** Columns on each side that a height is averaged over, so that teeth have smooth light. */
const SMOOTHING = 2;

/** Where the lips leave the mouth open, column by column, in crop pixels. */
export interface MouthOpening {
  /** First and last column that is painted at all; `right < left` if none is. */
  readonly left: number;
  readonly right: number;
  /** First and last row that is painted at all. */
  readonly top: number;
  readonly bottom: number;
  /** Per column, {@link CROP_SIZE_PX} numbers: edge of the upper and of the lower lip. Equal where the lips only just part. */
  readonly upper: Float32Array;
  readonly lower: Float32Array;
}

/** Reads the opening from a mask of {@link CROP_SIZE_PX} squared, 0..255. */
export function findOpening(mask: Uint8Array): MouthOpening {
  const size = CROP_SIZE_PX;
  const upper = new Float32Array(size);
  const lower = new Float32Array(size);
  let [left, right, top, bottom] = [size, -1, size, -1];
  for (let u = 0; u < size; u++) {
    let [first, last, weight, moment] = [-1, -1, 0, 0];
    for (let v = 0; v < size; v++) {
      const value = mask[v * size + u];
      if (value < FAINT) continue;
      weight += value;
      moment += value * (v + 0.5);
      top = Math.min(top, v);
      bottom = Math.max(bottom, v);
      if (value < INSIDE) continue;
      if (first < 0) first = v;
      last = v;
    }
    if (weight === 0) continue;
    left = Math.min(left, u);
    right = u;
    upper[u] = first < 0 ? moment / weight : first;
    lower[u] = first < 0 ? moment / weight : last + 1;
  }
  return { left, right, top, bottom, upper: smoothed(upper, left, right), lower: smoothed(lower, left, right) };
}

function smoothed(heights: Float32Array, left: number, right: number): Float32Array {
  const out = new Float32Array(heights.length);
  for (let u = left; u <= right; u++) {
    let [sum, count] = [0, 0];
    for (let at = Math.max(left, u - SMOOTHING); at <= Math.min(right, u + SMOOTHING); at++) {
      if (heights[at] === 0) continue;
      sum += heights[at];
      count++;
    }
    out[u] = count > 0 ? sum / count : 0;
  }
  return out;
}
