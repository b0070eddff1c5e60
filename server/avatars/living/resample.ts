/** One plane of a picture: samples row by row. */
export interface Plane {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Movements below this, in samples, are not seen. */
const STILL = 1 / 32;
const PHASES = 64;
/** The sum of each four weights is 2 to the power of this; whole numbers are twice as fast. */
const WEIGHT_BITS = 8;
const HALF = 1 << (2 * WEIGHT_BITS - 1);
/** Catmull and Rom's cubic at {@link PHASES} places between two samples: four weights each. Keeps a still picture bit for bit. */
const CUBIC = Int32Array.from({ length: 4 * (PHASES + 1) }, (_, i) => {
  const t = Math.floor(i / 4) / PHASES;
  const [a, c, d] = [
    (-t + 2 * t * t - t * t * t) / 2,
    (t + 4 * t * t - 3 * t * t * t) / 2,
    (-t * t + t * t * t) / 2,
  ].map((weight) => Math.round(weight * 2 ** WEIGHT_BITS));
  return [a, 2 ** WEIGHT_BITS - a - c - d, c, d][i % 4];
});

/** Samples of a row that are moved by vectors that change evenly along it. */
export interface MovedRun {
  readonly row: number;
  readonly start: number;
  readonly end: number;
  /** By which the first one is moved, and by how much more each further one, in samples. */
  readonly dx: number;
  readonly dy: number;
  readonly stepX: number;
  readonly stepY: number;
}

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
      value += CUBIC[py + row] * CUBIC[px + column] * data[at];
    }
  }
  return Math.min(Math.max(value / 2 ** (2 * WEIGHT_BITS), 0), 255);
}

/** Writes one run of a moved plane, bilinear: enough for colours. What moves by less than {@link STILL} keeps its bytes. */
export function moveRunLinear(
  plane: Plane,
  { row, start, end, dx, dy, stepX, stepY }: MovedRun,
  out: Uint8Array,
): void {
  const { data, width, height } = plane;
  let mx = dx;
  let my = dy;
  for (let column = start; column < end; column++, mx += stepX, my += stepY) {
    const at = row * width + column;
    const x = column - mx;
    const y = row - my;
    const left = x | 0;
    const top = y | 0;
    const isStill = mx < STILL && mx > -STILL && my < STILL && my > -STILL;
    if (isStill || !(x >= 0 && y >= 0 && left < width - 1 && top < height - 1)) {
      out[at] = isStill ? data[at] : sampleCubic(plane, x, y) + 0.5;
      continue;
    }
    const fx = x - left;
    const from = top * width + left;
    const upper = data[from] + (data[from + 1] - data[from]) * fx;
    const lower = data[from + width] + (data[from + width + 1] - data[from + width]) * fx;
    out[at] = upper + (lower - upper) * (y - top) + 0.5;
  }
}

/** Writes one run of a moved plane, sampled as {@link sampleCubic} does. What moves by less than {@link STILL} keeps its bytes. */
export function moveRun(plane: Plane, { row, start, end, dx, dy, stepX, stepY }: MovedRun, out: Uint8Array): void {
  const { data, width, height } = plane;
  let mx = dx;
  let my = dy;
  for (let column = start; column < end; column++, mx += stepX, my += stepY) {
    const at = row * width + column;
    if (mx < STILL && mx > -STILL && my < STILL && my > -STILL) {
      out[at] = data[at];
      continue;
    }
    const x = column - mx;
    const y = row - my;
    if (!(x >= 1 && y >= 1 && x < width - 2 && y < height - 2)) {
      out[at] = sampleCubic(plane, x, y) + 0.5;
      continue;
    }
    // Written out, with numbers only: this runs a hundred million times for one avatar.
    const left = x | 0;
    const top = y | 0;
    const px = 4 * (((x - left) * PHASES + 0.5) | 0);
    const py = 4 * (((y - top) * PHASES + 0.5) | 0);
    const a = CUBIC[px];
    const b = CUBIC[px + 1];
    const c = CUBIC[px + 2];
    const d = CUBIC[px + 3];
    const r0 = (top - 1) * width + left - 1;
    const r1 = r0 + width;
    const r2 = r1 + width;
    const r3 = r2 + width;
    const upper =
      CUBIC[py] * (a * data[r0] + b * data[r0 + 1] + c * data[r0 + 2] + d * data[r0 + 3]) +
      CUBIC[py + 1] * (a * data[r1] + b * data[r1 + 1] + c * data[r1 + 2] + d * data[r1 + 3]);
    const lower =
      CUBIC[py + 2] * (a * data[r2] + b * data[r2 + 1] + c * data[r2 + 2] + d * data[r2 + 3]) +
      CUBIC[py + 3] * (a * data[r3] + b * data[r3 + 1] + c * data[r3 + 2] + d * data[r3 + 3]);
    const value = (upper + lower + HALF) >> (2 * WEIGHT_BITS);
    out[at] = value < 0 ? 0 : value > 255 ? 255 : value;
  }
}
