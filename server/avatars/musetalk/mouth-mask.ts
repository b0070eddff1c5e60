import { LABEL, LABELS_SIZE_PX } from './face-labels.ts';
import { gaussianBlur } from './gaussian-blur.ts';
import { dilate, erode, type Kernel } from './morphology.ts';
import { resizeAsPillow } from './pillow-resize.ts';
import { type Area, crop, type Pixels } from './pixels.ts';

/** Half the width of the middle part of a face, where the mask grows instead of shrinking; in label pixels. */
export const CHEEK_PX = 90;
/** The mask begins so far down the crop, as a part of its height. */
export const UPPER_BOUNDARY = 0.5;
/** How wide the mask's edge is blurred, as a part of the crop's width. */
export const BLUR_RATIO = 0.1;
const ERODE_TIMES = 2;

/** Grows a region by up to 16 pixels upwards, in a wedge, and by 6 downwards. */
const WEDGE: Kernel = Array.from({ length: 33 }, (_, row) => row).flatMap((row) => {
  const reach = row < 10 ? -1 : Math.min(row - 10, 10);
  return Array.from({ length: 2 * reach + 1 }, (_, i) => ({ dx: i - reach, dy: row - 16 }));
});

/** OpenCV's ellipse of 35 × 3: a cross. */
const FLAT: Kernel = [
  { dx: 0, dy: -1 },
  ...Array.from({ length: 35 }, (_, i) => ({ dx: i - 17, dy: 0 })),
  { dx: 0, dy: 1 },
];

/**
 * What of a face MuseTalk 1.5 draws anew, from the labels of its parts (mode `jaw`): the skin, which grows in the middle and shrinks
 * on the cheeks, without the nose, and the lips.
 *
 * @param labels `512 × 512`.
 * @returns One channel of 0 and 255.
 */
export function jawRegion(labels: Uint8Array): Pixels {
  const size = { widthPx: LABELS_SIZE_PX, heightPx: LABELS_SIZE_PX, channels: 1 };
  const skin = { ...size, data: labels.map((label) => (label === LABEL.skin ? 255 : 0)) };
  const grown = dilate(skin, WEDGE);
  let shrunk = grown;
  const middle = LABELS_SIZE_PX / 2;
  for (let time = 0; time < ERODE_TIMES; time++) shrunk = erode(shrunk, FLAT);
  const data = new Uint8Array(labels.length);
  for (let at = 0; at < labels.length; at++) {
    const x = at % LABELS_SIZE_PX;
    const label = labels[at];
    const isCheek = x <= middle - CHEEK_PX || x >= middle + CHEEK_PX;
    if (label === LABEL.mouth || label === LABEL.upperLip || label === LABEL.lowerLip) data[at] = 255;
    else if (label !== LABEL.nose) data[at] = (isCheek ? shrunk : grown).data[at];
  }
  return { ...size, data };
}

/**
 * How much of each pixel of a box is drawn anew: the region, from the middle of the crop on down, with soft edges.
 *
 * @param region {@link jawRegion} of the crop `around`.
 * @param box Within `around`.
 * @returns `(right − left) × (bottom − top)` weights of the box, 0..255.
 */
export function mouthMask(region: Pixels, around: Area, box: Area): Uint8Array {
  const sizePx = around.right - around.left;
  const whole = resizeAsPillow(region, sizePx, sizePx, 'bicubic');
  const within = shifted(box, around);
  const kept = new Uint8Array(sizePx * sizePx);
  for (let y = Math.max(within.top, Math.trunc(sizePx * UPPER_BOUNDARY)); y < within.bottom; y++) {
    const [from, to] = [y * sizePx + within.left, y * sizePx + within.right];
    kept.set(whole.data.subarray(from, to), from);
  }
  const blurred = gaussianBlur({ ...whole, data: kept }, blurSize(sizePx));
  return crop(blurred, within).data;
}

/** Size of the blur's kernel for a crop, odd. */
export function blurSize(sizePx: number): number {
  return Math.floor((BLUR_RATIO * sizePx) / 2) * 2 + 1;
}

function shifted({ left, top, right, bottom }: Area, by: Area): Area {
  return { left: left - by.left, top: top - by.top, right: right - by.left, bottom: bottom - by.top };
}
