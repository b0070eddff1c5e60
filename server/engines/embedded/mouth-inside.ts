import { CROP_SIZE_PX, FRAME_GEOMETRY } from '../../avatars/avatar.ts';
import type { FaceLook } from './face-look.ts';
import { FAINT, findOpening } from './mouth-opening.ts';
import { smoothStep } from './smooth-step.ts';

/** Side of the overlay; two texels a crop pixel keep teeth sharp on large pictures. */
export const OVERLAY_SIZE_PX = 256;
export const OVERLAY_BYTES = OVERLAY_SIZE_PX * OVERLAY_SIZE_PX * 4;
const TEXELS_PER_PX = OVERLAY_SIZE_PX / CROP_SIZE_PX;
/** Where teeth meet, in crop pixels from the middle: incisors, canine, premolars as seen from in front. */
const TOOTH_GAPS = [0, 8.2, 14.2, 19.5, 23.2, 26];
/** How far the upper front teeth reach below the closed lips' line. */
const UPPER_TEETH_LENGTH = 2.6;

/** Columns [left, right) and rows [top, bottom) of the overlay. */
export interface TexelBox {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const NOTHING: Readonly<TexelBox> = { left: 0, right: 0, top: 0, bottom: 0 };

/** What is between the lips of one frame. */
export interface Inside {
  /** Where it is seen: `CROP_SIZE_PX` squared, 0..255. */
  readonly mask: Uint8Array;
  /** The frame's geometry, see `FRAME_GEOMETRY`. */
  readonly geometry: Float32Array;
  readonly look: FaceLook;
  /** How far the jaw went down, in crop pixels. */
  readonly jawPx: number;
  /** 0..1: lips pushed forward, which keep light out; the tongue's height. */
  readonly round: number;
  readonly tongue: number;
}

/**
 * Paints what an open mouth shows: the dark, tongue, lower teeth that go with the jaw, upper teeth that stay with the head.
 * How much of each texel is painted is the mask's business.
 *
 * @param overlay RGBA8, {@link OVERLAY_SIZE_PX} square, straight alpha; transparent outside of `painted`.
 * @param painted What the last call on this overlay painted; cleared first, then set to what this one has painted.
 */
export function paintInside(inside: Inside, overlay: Uint8Array, painted: TexelBox): void {
  clear(overlay, painted);
  Object.assign(painted, NOTHING);
  const opening = findOpening(inside.mask);
  if (opening.right < opening.left) return;
  // The mask fades out over one more crop pixel on each side. A stray spot of it beside the face is not a mouth.
  const face = faceBox(inside);
  const box = {
    left: Math.max(face.left, opening.left - 1) * TEXELS_PER_PX,
    right: Math.min(face.right, opening.right + 2) * TEXELS_PER_PX,
    top: Math.max(0, opening.top - 1) * TEXELS_PER_PX,
    bottom: Math.min(face.bottom, opening.bottom + 2) * TEXELS_PER_PX,
  };
  if (box.right <= box.left || box.bottom <= box.top) return;
  Object.assign(painted, box);
  const halfWidth = Math.max(6, (opening.right - opening.left) / 2);
  const { upper, lower, left, right } = opening;
  for (let i = painted.left; i < painted.right; i++) {
    const u = (i + 0.5) / TEXELS_PER_PX;
    const column = Math.min(Math.max(Math.floor(u), left), right);
    paintColumn(inside, overlay, painted, { i, u, top: upper[column], bottom: lower[column], halfWidth });
  }
}

/** Whole crop pixels that are the face's for sure: between its sides, as far down as the chin goes with the jaw. */
function faceBox({ geometry, jawPx }: Inside): { left: number; right: number; bottom: number } {
  return {
    left: Math.max(0, Math.ceil(geometry[FRAME_GEOMETRY.FACE_LEFT_U])),
    right: Math.min(CROP_SIZE_PX, Math.floor(geometry[FRAME_GEOMETRY.FACE_RIGHT_U])),
    bottom: Math.min(CROP_SIZE_PX, Math.floor(geometry[FRAME_GEOMETRY.CHIN_V] + jawPx)),
  };
}

interface Column {
  readonly i: number;
  readonly u: number;
  readonly top: number;
  readonly bottom: number;
  /** Of the whole opening. */
  readonly halfWidth: number;
}

function clear(overlay: Uint8Array, { left, right, top, bottom }: TexelBox): void {
  for (let j = top; j < bottom; j++)
    overlay.fill(0, (j * OVERLAY_SIZE_PX + left) * 4, (j * OVERLAY_SIZE_PX + right) * 4);
}

function paintColumn(inside: Inside, overlay: Uint8Array, painted: TexelBox, column: Column): void {
  const { mask, geometry, look, jawPx, round, tongue } = inside;
  const { i, u, top, bottom, halfWidth } = column;
  const x = u - (geometry[FRAME_GEOMETRY.LEFT_U] + geometry[FRAME_GEOMETRY.RIGHT_U]) / 2;
  const size = Math.abs(x);
  const height = bottom - top;
  const line = geometry[FRAME_GEOMETRY.LINE_V];
  const gap = toothGap(size);
  const upperEnd = line + UPPER_TEETH_LENGTH * (1 - 0.6 * round) - 2.6 * (size / 24) ** 2 - 0.4 * gap;
  const upperLight = 1 - 0.62 * smoothStep((size - 6) / 19);
  const upperSide = 1 - smoothStep((size - 21) / 4);
  const lowerStart = line + jawPx * 0.96 + 0.4 + 2 * (size / 20) ** 2 + 0.3 * gap;
  const lowerLight = 0.72 - 0.45 * smoothStep((size - 4) / 15);
  const lowerSide = 1 - smoothStep((size - 15) / 4);
  const bulge = Math.max(0, 1 - (x / (halfWidth * 0.8)) ** 2);
  const tongueTop = bottom - (1.5 + 0.45 * height + 0.35 * height * tongue) * Math.sqrt(bulge);
  // Round lips reach in front of the teeth, and through a narrow slit little light comes in.
  const inShade = 1 - 0.6 * round;
  // Teeth are as white on dark skin as on light skin: part of what makes skin dark is not the light.
  const teeth = (0.14 + 0.75 * Math.sqrt(look.skin)) * inShade * (0.5 + 0.5 * smoothStep(height / 4.5));
  const depth = 0.08 + 0.84 * Math.sqrt(look.skin);

  for (let j = painted.top; j < painted.bottom; j++) {
    const v = (j + 0.5) / TEXELS_PER_PX;
    const alpha = maskAt(mask, u, v);
    if (alpha < FAINT) continue;
    const below = v - top;
    const above = bottom - v;

    // The dark, a little lighter and redder towards the front at the bottom.
    const glow = smoothStep(1 - above / (0.6 * height + 1)) * 0.5 + 0.5;
    let r = 108 * depth * glow;
    let g = 46 * depth * glow;
    let b = 44 * depth * glow;

    const onTongue = bulge > 0 ? smoothStep((v - tongueTop) / 1.6) : 0;
    if (onTongue > 0) {
      const light =
        depth * inShade * (0.55 + 0.4 * smoothStep((v - tongueTop) / 4) * smoothStep(below / 5)) * (0.6 + 0.4 * bulge);
      r += (205 * light - r) * onTongue;
      g += (98 * light - g) * onTongue;
      b += (94 * light - b) * onTongue;
    }
    const onLower = lowerSide * smoothStep((v - lowerStart) / 0.9 + 0.5);
    if (onLower > 0) {
      const lit = lowerLight * (0.55 + 0.45 * smoothStep(below / 4)) * (1 - 0.2 * gap);
      const light = 255 * teeth * lit;
      r += (light - r) * onLower;
      g += (light * toothGreen(lit) - g) * onLower;
      b += (light * toothBlue(lit) - b) * onLower;
    }
    const onUpper = upperSide * smoothStep((upperEnd - v) / 0.9 + 0.5);
    if (onUpper > 0) {
      const lit = upperLight * (0.5 + 0.5 * smoothStep(below / 2.4)) * (1 - 0.16 * gap);
      const light = 255 * teeth * lit;
      r += (light - r) * onUpper;
      g += (light * toothGreen(lit) - g) * onUpper;
      b += (light * toothBlue(lit) - b) * onUpper;
    }
    // The wet inner side of the lower lip turns into view.
    const onLip = 0.85 * smoothStep(1 - above / (1.1 + 0.06 * height));
    r += (look.lip[0] * 0.66 - r) * onLip;
    g += (look.lip[1] * 0.52 - g) * onLip;
    b += (look.lip[2] * 0.5 - b) * onLip;

    const at = (j * OVERLAY_SIZE_PX + i) * 4;
    overlay[at] = r;
    overlay[at + 1] = g;
    overlay[at + 2] = b;
    overlay[at + 3] = alpha + 0.5;
  }
}

/** Green and blue of a tooth by its red. What light gets behind the lips comes off them and the tongue: the less of it, the redder. */
function toothGreen(lit: number): number {
  return 0.8 + 0.1 * lit;
}

function toothBlue(lit: number): number {
  return 0.66 + 0.14 * lit;
}

/** Bilinear. */
function maskAt(mask: Uint8Array, u: number, v: number): number {
  const x = Math.min(Math.max(u - 0.5, 0), CROP_SIZE_PX - 1.001);
  const y = Math.min(Math.max(v - 0.5, 0), CROP_SIZE_PX - 1.001);
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const at = top * CROP_SIZE_PX + left;
  const upper = mask[at] + (mask[at + 1] - mask[at]) * (x - left);
  const lower = mask[at + CROP_SIZE_PX] + (mask[at + CROP_SIZE_PX + 1] - mask[at + CROP_SIZE_PX]) * (x - left);
  return upper + (lower - upper) * (y - top);
}

/** 1 where two teeth meet, 0 on a tooth. */
function toothGap(size: number): number {
  let nearest = 9;
  for (const gap of TOOTH_GAPS) nearest = Math.min(nearest, Math.abs(size - gap));
  return nearest > 0.9 ? 0 : 1 - smoothStep(nearest / 0.9);
}
