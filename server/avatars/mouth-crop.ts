import type { Frame } from '../codecs/frame.ts';
import { CROP_SIZE_PX, FRAME_GEOMETRY as FIELD, GEOMETRY_SIZE } from './avatar.ts';

/** Side of one plane of a mouth crop, in samples. */
export const CROP_PLANE_SIZE = CROP_SIZE_PX / 2;
const PLANE_BYTES = CROP_PLANE_SIZE * CROP_PLANE_SIZE;
/** Bytes of one mouth crop: see {@link cutMouth}. */
export const MOUTH_CROP_BYTES = 6 * PLANE_BYTES;

/** Samples of one plane of a picture. */
interface Plane {
  readonly data: Uint8Array;
  readonly first: number;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Samples per luma pixel: 1 or 0.5. */
  readonly scale: number;
}

/**
 * Cuts the mouth crop out of a picture, as networks want it: six planes of 64 × 64 bytes, row-major: the luma of each cell's upper left,
 * upper right, lower left and lower right pixel, then U, then V. Values are the picture's own (BT.709, limited range). A crop that
 * is smaller than its part of the picture is averaged, not only sampled.
 *
 * @param geometry {@link GEOMETRY_SIZE} numbers of the frame. What lies outside the picture continues its border.
 * @param planes {@link MOUTH_CROP_BYTES}, written completely.
 * @throws {RangeError} if geometry or planes have another size.
 */
export function cutMouth(frame: Frame, geometry: Float32Array, planes: Uint8Array): void {
  if (geometry.length !== GEOMETRY_SIZE || planes.length !== MOUTH_CROP_BYTES) {
    const found = `${geometry.length} and ${planes.length}`;
    throw new RangeError(
      `geometry and planes must have ${GEOMETRY_SIZE} and ${MOUTH_CROP_BYTES} numbers, got ${found}`,
    );
  }
  const { data, widthPx, heightPx } = frame;
  const luma: Plane = { data, first: 0, widthPx, heightPx, scale: 1 };
  const half = { data, widthPx: widthPx / 2, heightPx: heightPx / 2, scale: 0.5 };
  const chromaBytes = half.widthPx * half.heightPx;
  for (let k = 0; k < 4; k++) fillPlane(planes, k, luma, geometry, (k % 2) + 0.5, (k >> 1) + 0.5, 1);
  for (let k = 0; k < 2; k++) {
    const first = widthPx * heightPx + k * chromaBytes;
    fillPlane(planes, 4 + k, { ...half, first }, geometry, 1, 1, 2);
  }
}

/** @param sidePx How many crop pixels a sample stands for. */
function fillPlane(
  out: Uint8Array,
  index: number,
  plane: Plane,
  geometry: Float32Array,
  u0: number,
  v0: number,
  sidePx: number,
): void {
  const a = geometry[FIELD.A] * plane.scale;
  const b = geometry[FIELD.B] * plane.scale;
  const tx = geometry[FIELD.TX] * plane.scale;
  const ty = geometry[FIELD.TY] * plane.scale;
  const taps = Math.max(1, Math.min(8, Math.round(Math.hypot(a, b) * sidePx)));
  let at = index * PLANE_BYTES;
  for (let j = 0; j < CROP_PLANE_SIZE; j++) {
    for (let i = 0; i < CROP_PLANE_SIZE; i++, at++) {
      let sum = 0;
      for (let tap = 0; tap < taps * taps; tap++) {
        const u = u0 + 2 * i + (((tap % taps) + 0.5) / taps - 0.5) * sidePx;
        const v = v0 + 2 * j + ((Math.floor(tap / taps) + 0.5) / taps - 0.5) * sidePx;
        sum += sampleAt(plane, a * u - b * v + tx - 0.5, b * u + a * v + ty - 0.5);
      }
      out[at] = sum / (taps * taps) + 0.5;
    }
  }
}

/** Bilinear; (0, 0) is the middle of the first sample. */
function sampleAt({ data, first, widthPx, heightPx }: Plane, x: number, y: number): number {
  const inX = Math.min(Math.max(x, 0), widthPx - 1.001);
  const inY = Math.min(Math.max(y, 0), heightPx - 1.001);
  const left = Math.floor(inX);
  const top = Math.floor(inY);
  const across = inX - left;
  const at = first + top * widthPx + left;
  const upper = data[at] + (data[at + 1] - data[at]) * across;
  const lower = data[at + widthPx] + (data[at + widthPx + 1] - data[at + widthPx]) * across;
  return upper + (lower - upper) * (inY - top);
}
