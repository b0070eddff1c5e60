import type { Kept } from './kept-arrays.ts';

type Numbers = Float32Array | Uint8Array | Int32Array;

/** How far `found` is from what was kept. */
export interface Difference {
  readonly largest: number;
  /** The largest, as a part of the largest value that was kept. */
  readonly relative: number;
  readonly mean: number;
  /** Values that are not the same. */
  readonly unequal: number;
  readonly count: number;
}

/**
 * @param found The whole array; values between those that were kept are not looked at.
 * @throws {RangeError} if it has another length.
 */
export function differenceTo({ shape, stride, values }: Kept<Numbers>, found: Numbers): Difference {
  const size = shape.reduce((product, side) => product * side, 1);
  if (found.length !== size) throw new RangeError(`${size} numbers were kept, got ${found.length}`);
  let [largest, sum, unequal, expected] = [0, 0, 0, 0];
  for (const [i, value] of values.entries()) {
    // What is no number is as far away as can be.
    const off = Math.abs(found[i * stride] - value);
    const distance = Number.isNaN(off) ? Number.POSITIVE_INFINITY : off;
    largest = Math.max(largest, distance);
    sum += distance;
    if (distance > 0) unequal++;
    expected = Math.max(expected, Math.abs(value));
  }
  const { length } = values;
  return { largest, relative: largest / expected, mean: sum / length, unequal: unequal / length, count: length };
}
