import type { Frame } from '../../codecs/frame.ts';
import { type FaceShape, placeOf } from '../face-shape.ts';

const FOREHEAD = 10;
const CHIN = 152;
const SIDES = [234, 454] as const;
const LIPS = { upper: 13, lower: 14, left: 61, right: 291 } as const;
const EYES = [
  { upper: [160, 159, 158], lower: [144, 145, 153], left: 33, right: 133 },
  { upper: [385, 386, 387], lower: [380, 374, 373], left: 362, right: 263 },
] as const;
const DEGREES = 180 / Math.PI;
/** The chin of a face that looks straight ahead lies so far behind its forehead, in degrees. */
const UPRIGHT_PITCH = 7;
/** Places along a face where its sharpness is measured. */
const SHARPNESS_PLACES = 160;
/** Contrast at this many places' distance is set against that of neighbours. */
const COARSE = 4;

/** Where a face looks, in degrees: to the right of the picture, down, and clockwise. 0 is straight at the camera. */
export interface FacePose {
  readonly yaw: number;
  readonly pitch: number;
  readonly roll: number;
}

/** @param depths See `Face`. */
export function poseOf(points: FaceShape, depths: Float32Array): FacePose {
  const between = (from: number, to: number) => {
    const [a, b] = [placeOf(points, from), placeOf(points, to)];
    return { x: b[0] - a[0], y: b[1] - a[1], z: depths[to] - depths[from] };
  };
  const across = between(...SIDES);
  const down = between(FOREHEAD, CHIN);
  return {
    yaw: Math.atan2(across.z, Math.hypot(across.x, across.y)) * DEGREES,
    pitch: Math.atan2(down.z, Math.hypot(down.x, down.y)) * DEGREES - UPRIGHT_PITCH,
    roll: Math.atan2(across.y, across.x) * DEGREES,
  };
}

/** From the forehead to the chin, in pixels. */
export function faceHeight(points: FaceShape): number {
  return distance(points, FOREHEAD, CHIN);
}

/** Height of the gap between the lips against the mouth's width; closed lips have up to 0.05. */
export function mouthOpening(points: FaceShape): number {
  return distance(points, LIPS.upper, LIPS.lower) / Math.max(1e-6, distance(points, LIPS.left, LIPS.right));
}

/** Height of the eyes against their width, the mean of both; closed ones have less than 0.2. */
export function eyeOpening(points: FaceShape): number {
  const openings = EYES.map(({ upper, lower, left, right }) => {
    return distance(points, upper, lower) / Math.max(1e-6, distance(points, left, right));
  });
  return (openings[0] + openings[1]) / 2;
}

/**
 * How sharp a face is: the contrast between neighbouring places against that between places farther apart, whatever its size and light.
 *
 * @returns 0.25 if all is one soft slope, to 1.
 */
export function sharpnessOf({ data, widthPx, heightPx }: Frame, points: FaceShape): number {
  const [x0, y0] = placeOf(points, FOREHEAD);
  const [x1, y1] = placeOf(points, CHIN);
  const step = Math.max(1, Math.hypot(x1 - x0, y1 - y0) / SHARPNESS_PLACES);
  const [middleX, middleY] = [(x0 + x1) / 2, (y0 + y1) / 2];
  const at = (x: number, y: number) => {
    const column = Math.min(Math.max(Math.round(x), 0), widthPx - 1);
    const row = Math.min(Math.max(Math.round(y), 0), heightPx - 1);
    return data[row * widthPx + column];
  };
  let [fine, coarse] = [0, 0];
  const half = SHARPNESS_PLACES * 0.4;
  for (let j = -half; j < half; j++) {
    for (let i = -half; i < half; i++) {
      const [x, y] = [middleX + i * step, middleY + j * step];
      const here = at(x, y);
      fine += Math.abs(here - at(x + step, y)) + Math.abs(here - at(x, y + step));
      coarse += Math.abs(here - at(x + COARSE * step, y)) + Math.abs(here - at(x, y + COARSE * step));
    }
  }
  return coarse > 0 ? fine / coarse : 0;
}

function distance(points: FaceShape, from: number | readonly number[], to: number | readonly number[]): number {
  const [a, b] = [placeOf(points, from), placeOf(points, to)];
  return Math.hypot(b[0] - a[0], b[1] - a[1]);
}
