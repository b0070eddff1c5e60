import type { Landmarks68 } from './landmarks-68.ts';
import type { Area } from './pixels.ts';

/** Point of the 68 that lies in the middle of every box: the lower half of the crop, which is drawn anew, begins there. */
const MIDDLE_POINT = 29;
/** Below the chin, in pixels: MuseTalk 1.5 wants to see where the chin goes when the mouth opens. */
export const EXTRA_MARGIN_PX = 10;
/** Side of the crop that the mask is made in, as a multiple of the box's longer side. */
export const CROP_EXPANSION = 1.5;

/** Width and height in pixels. */
export interface PictureSize {
  readonly widthPx: number;
  readonly heightPx: number;
}

/**
 * The box of a face as MuseTalk 1.5 puts it: as wide as all points, as far above point 29 as the lowest one lies below it, and a
 * margin below. It is cut off at the picture's border.
 *
 * @returns Null if nothing of it lies within the picture.
 */
export function faceBox(landmarks: Landmarks68, { widthPx, heightPx }: PictureSize): Area | null {
  const xs = landmarks.filter((_, i) => i % 2 === 0);
  const ys = landmarks.filter((_, i) => i % 2 === 1);
  const middle = ys[MIDDLE_POINT];
  const lowest = Math.max(...ys);
  const left = Math.max(0, Math.min(...xs));
  const top = Math.max(0, middle - (lowest - middle));
  const right = Math.min(Math.max(...xs), widthPx);
  const bottom = Math.min(lowest + EXTRA_MARGIN_PX, heightPx);
  return right > left && bottom > top ? { left, top, right, bottom } : null;
}

/** The square around a box that its mask is made in. May reach beyond the picture. */
export function cropAround({ left, top, right, bottom }: Area): Area {
  const half = Math.trunc(Math.floor(Math.max(right - left, bottom - top) / 2) * CROP_EXPANSION);
  const [x, y] = [Math.floor((left + right) / 2), Math.floor((top + bottom) / 2)];
  return { left: x - half, top: y - half, right: x + half, bottom: y + half };
}
