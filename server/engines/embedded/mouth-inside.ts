import { CROP_SIZE_PX } from '../../avatars/avatar.ts';
import type { FaceLook } from './face-look.ts';
import { type MouthShape, smoothStep } from './mouth-shape.ts';

/** Side of the overlay; two texels a crop pixel keep teeth sharp on large pictures. */
export const OVERLAY_SIZE_PX = 256;
const TEXEL_PX = CROP_SIZE_PX / OVERLAY_SIZE_PX;
/** Width of the soft edge between lip and mouth, in crop pixels. */
const EDGE_PX = 1.6;
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

/**
 * Paints what an open mouth shows: the dark, tongue, teeth, each only between the lips.
 *
 * @param overlay RGBA8, {@link OVERLAY_SIZE_PX} square; transparent outside of `painted`.
 * @param painted What the last call on this overlay painted; cleared first, then set to what this one has painted.
 */
export function paintInside(shape: MouthShape, look: FaceLook, overlay: Uint8Array, painted: TexelBox): void {
  clear(overlay, painted);
  painted.left = painted.right = painted.top = painted.bottom = 0;
  const half = shape.openHalfWidth;
  if (shape.opening < 0.25 || half <= 0) return;
  painted.left = Math.max(0, Math.floor((shape.centreU - half) / TEXEL_PX));
  painted.right = Math.min(OVERLAY_SIZE_PX, Math.ceil((shape.centreU + half) / TEXEL_PX));
  painted.top = OVERLAY_SIZE_PX;
  for (let i = painted.left; i < painted.right; i++) paintColumn(shape, look, overlay, painted, i);
  if (painted.bottom === 0) painted.top = 0;
}

function clear(overlay: Uint8Array, { left, right, top, bottom }: TexelBox): void {
  for (let j = top; j < bottom; j++)
    overlay.fill(0, (j * OVERLAY_SIZE_PX + left) * 4, (j * OVERLAY_SIZE_PX + right) * 4);
}

function paintColumn(shape: MouthShape, look: FaceLook, overlay: Uint8Array, painted: TexelBox, i: number): void {
  const x = (i + 0.5) * TEXEL_PX - shape.centreU;
  const size = Math.abs(x);
  const open = shape.open(x);
  const middle = shape.line(x / shape.halfWidth) + shape.drop(x);
  const top = middle - shape.upperLip * open;
  const bottom = middle + shape.lowerLip * open;
  const height = bottom - top;
  const strength = smoothStep(height / 1.6);
  if (strength <= 0) return;
  const first = Math.max(0, Math.floor((top - EDGE_PX) / TEXEL_PX));
  const last = Math.min(OVERLAY_SIZE_PX, Math.ceil((bottom + EDGE_PX) / TEXEL_PX));
  painted.top = Math.min(painted.top, first);
  painted.bottom = Math.max(painted.bottom, last);

  const line = shape.line(0);
  const gap = toothGap(size);
  const upperEnd = line + UPPER_TEETH_LENGTH * (1 - 0.6 * shape.round) - 2.6 * (size / 24) ** 2 - 0.4 * gap;
  const upperLight = 1 - 0.62 * smoothStep((size - 6) / 19);
  const upperSide = 1 - smoothStep((size - 21) / 4);
  const lowerStart = line + shape.jaw * 0.96 + 0.4 + 2 * (size / 20) ** 2 + 0.3 * gap;
  const lowerLight = 0.72 - 0.45 * smoothStep((size - 4) / 15);
  const lowerSide = 1 - smoothStep((size - 15) / 4);
  const tongueHalf = shape.halfWidth * 0.72;
  const bulge = Math.max(0, 1 - (size / tongueHalf) ** 2);
  const tongueTop = bottom - (1.5 + 0.3 * height + 0.45 * height * shape.tongue) * Math.sqrt(bulge);
  // Round lips reach in front of the teeth, and through a narrow slit little light comes in.
  const inShade = 1 - 0.6 * shape.round;
  const teeth = (0.3 + 0.6 * look.skin) * inShade * (0.5 + 0.5 * smoothStep(height / 4.5));

  for (let j = first; j < last; j++) {
    const v = (j + 0.5) * TEXEL_PX;
    const alpha = strength * ramp((v - top) / EDGE_PX + 0.5) * ramp((bottom - v) / EDGE_PX + 0.5);
    if (alpha <= 0) continue;
    const below = v - top;
    const above = bottom - v;

    // The dark, a little lighter and redder towards the front at the bottom.
    const depth = 0.2 + 0.8 * look.skin;
    const glow = smoothStep(1 - above / (0.6 * height + 1)) * 0.5 + 0.36;
    let r = 78 * depth * glow;
    let g = 26 * depth * glow;
    let b = 25 * depth * glow;

    const onTongue = bulge > 0 ? smoothStep((v - tongueTop) / 1.6) : 0;
    if (onTongue > 0) {
      const light =
        depth * inShade * (0.3 + 0.5 * smoothStep((v - tongueTop) / 6) * smoothStep(below / 7)) * (0.6 + 0.4 * bulge);
      r += (205 * light - r) * onTongue;
      g += (98 * light - g) * onTongue;
      b += (94 * light - b) * onTongue;
    }
    const onLower = lowerSide * smoothStep((v - lowerStart) / 0.9 + 0.5);
    if (onLower > 0) {
      const light = 255 * teeth * lowerLight * (0.55 + 0.45 * smoothStep(below / 4)) * (1 - 0.2 * gap);
      r += (light - r) * onLower;
      g += (light * 0.95 - g) * onLower;
      b += (light * 0.86 - b) * onLower;
    }
    const onUpper = upperSide * smoothStep((upperEnd - v) / 0.9 + 0.5);
    if (onUpper > 0) {
      const light = 255 * teeth * upperLight * (0.5 + 0.5 * smoothStep(below / 2.4)) * (1 - 0.16 * gap);
      r += (light - r) * onUpper;
      g += (light * 0.965 - g) * onUpper;
      b += (light * 0.89 - b) * onUpper;
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
    overlay[at + 3] = 255 * alpha + 0.5;
  }
}

/** 1 where two teeth meet, 0 on a tooth. */
function toothGap(size: number): number {
  let nearest = 9;
  for (const gap of TOOTH_GAPS) nearest = Math.min(nearest, Math.abs(size - gap));
  return nearest > 0.9 ? 0 : 1 - smoothStep(nearest / 0.9);
}

function ramp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
