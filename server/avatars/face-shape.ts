import type { CropTransform } from './avatar.ts';

/**
 * Points of the face mesh (MediaPipe canonical face model) that are used here; left and right as seen in the picture.
 * The lips' middle points lie where the lips meet when the mouth is closed.
 */
export const FACE_POINT = {
  LEFT_EYE: [33, 133],
  RIGHT_EYE: [362, 263],
  NOSE_BASE: [2, 98, 327],
  LEFT_CORNER: 61,
  RIGHT_CORNER: 291,
  UPPER_LIP: [40, 37, 0, 267, 270],
  UPPER_LIP_MIDDLE: 13,
  LOWER_LIP_MIDDLE: 14,
  CHIN: 152,
  /** The face's outline on either side, from the ear down to below the mouth. */
  LEFT_OUTLINE: [93, 132, 58, 172, 136, 150],
  RIGHT_OUTLINE: [323, 361, 288, 397, 365, 379],
} as const;

/** (x, y) of every point of the face mesh, in frame or crop pixels. */
export type FaceShape = Float32Array;
export type Place = readonly [number, number];

/** Where `index`, or the middle of several points, lies. */
export function placeOf(shape: FaceShape, indices: number | readonly number[]): Place {
  const list = typeof indices === 'number' ? [indices] : indices;
  let [x, y] = [0, 0];
  for (const index of list) {
    x += shape[2 * index] / list.length;
    y += shape[2 * index + 1] / list.length;
  }
  return [x, y];
}

/**
 * The similarity transform that brings some points of `from` closest to those of `to` (least squares).
 *
 * @throws {RangeError} if the points of `from` fall together.
 */
export function fitSimilarity(from: FaceShape, to: FaceShape, indices: readonly number[]): CropTransform {
  const [u0, v0] = placeOf(from, indices);
  const [x0, y0] = placeOf(to, indices);
  let [along, across, size] = [0, 0, 0];
  for (const index of indices) {
    const [u, v] = [from[2 * index] - u0, from[2 * index + 1] - v0];
    const [x, y] = [to[2 * index] - x0, to[2 * index + 1] - y0];
    along += u * x + v * y;
    across += u * y - v * x;
    size += u * u + v * v;
  }
  if (!(size > 0)) throw new RangeError('points that fall together say nothing about size and turn');
  const [a, b] = [along / size, across / size];
  return { a, b, tx: x0 - a * u0 + b * v0, ty: y0 - b * u0 - a * v0 };
}

/** Undoes a transform: crop coordinates (u, v) of a place in the frame. */
export function toCrop({ a, b, tx, ty }: CropTransform, [x, y]: Place): Place {
  const scale = a * a + b * b;
  return [(a * (x - tx) + b * (y - ty)) / scale, (a * (y - ty) - b * (x - tx)) / scale];
}

/** Undoes a transform for all points of a face. */
export function shapeToCrop(transform: CropTransform, shape: FaceShape): FaceShape {
  const out = new Float32Array(shape.length);
  for (let i = 0; i < shape.length; i += 2) out.set(toCrop(transform, [shape[i], shape[i + 1]]), i);
  return out;
}
