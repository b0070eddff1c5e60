/** One plane of a picture: samples row by row. */
export interface Plane {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

const PHASES = 64;
/** The sum of each four weights is 2 to the power of this; whole numbers, since those are fast. */
const WEIGHT_BITS = 8;
/** Catmull and Rom's cubic at {@link PHASES} places between two samples: four weights each. Keeps a still picture bit for bit. */
export const CUBIC_WEIGHTS = Int32Array.from({ length: 4 * (PHASES + 1) }, (_, i) => {
  const t = Math.floor(i / 4) / PHASES;
  const [a, c, d] = [
    (-t + 2 * t * t - t * t * t) / 2,
    (t + 4 * t * t - 3 * t * t * t) / 2,
    (-t * t + t * t * t) / 2,
  ].map((weight) => Math.round(weight * 2 ** WEIGHT_BITS));
  return [a, 2 ** WEIGHT_BITS - a - c - d, c, d][i % 4];
});

/**
 * A plane's value at a place, bicubic: softer filters make a face that moves by parts of a pixel shimmer between sharp and soft.
 *
 * @param x In samples; 0 is the middle of the first one. Outside the plane its border goes on.
 * @returns 0..255
 */
export function sampleCubic({ data, width, height }: Plane, x: number, y: number): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const px = 4 * (((x - left) * PHASES + 0.5) | 0);
  const py = 4 * (((y - top) * PHASES + 0.5) | 0);
  let value = 0;
  for (let row = 0; row < 4; row++) {
    const line = Math.min(Math.max(top - 1 + row, 0), height - 1) * width;
    for (let column = 0; column < 4; column++) {
      const at = line + Math.min(Math.max(left - 1 + column, 0), width - 1);
      value += CUBIC_WEIGHTS[py + row] * CUBIC_WEIGHTS[px + column] * data[at];
    }
  }
  return Math.min(Math.max(value / 2 ** (2 * WEIGHT_BITS), 0), 255);
}
