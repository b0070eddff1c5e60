import type { FaceShape, Place } from '../face-shape.ts';
import { placeOf } from '../face-shape.ts';
import type { IdlePose } from './idle-motion.ts';

/** Pixels between the places where movements are known; what lies between is interpolated. */
const CELL_PX = 8;

const FOREHEAD = 10;
const CHIN = 152;
const SIDES = [234, 454] as const;
const MIDDLE = [FOREHEAD, CHIN, ...SIDES];

/** The head with its hair, against the face from forehead to chin (height) and from ear to ear (width). */
const HEAD_HALF_WIDTH = 0.74;
const HEAD_ABOVE_MIDDLE = 0.88;
const HEAD_BELOW_MIDDLE = 0.72;
/** Where the head ends its movement dies away, until so many times as far from its middle. */
const FADE_END = 1.9;
/** Depth of the face before the axis it turns about, against its width. */
const FACE_DEPTH = 0.5;
/** Where that axis meets the neck, below the middle of the face, against its height. */
const NECK_BELOW_MIDDLE = 0.7;
/** How widely the mesh's depths are smoothed, against the face's width. */
const RELIEF_SMOOTHING = 0.06;

/** How far the shoulders rise, against the face's height, and how far the head rises with them. */
const SHOULDER_RISE = 0.01;
const HEAD_SHARE = 0.5;
/** The body begins to rise at the chin, and rises fully this far below it, against the face's height. */
const BODY_RAMP = 0.45;
/** Above the picture's lower edge the rise dies away, since nothing is known of what lies below: share of its height. */
const EDGE_SHARE = 0.16;

/** Movements of a picture: the vectors by which its content moves, at every {@link CELL_PX} pixels, row by row, x and y. */
export interface MovementGrid {
  readonly columns: number;
  readonly rows: number;
  readonly cellPx: number;
  readonly vectors: Float32Array;
}

/**
 * How the parts of a photo move when the head turns and the chest rises. The head turns in depth: its middle, and the nose before all,
 * move most, its outline hardly, so that the background needs not move along; what little it does dies away slowly.
 */
export class HeadField {
  readonly #columns: number;
  readonly #rows: number;
  /** One movement per unit of yaw, pitch, roll and breath. */
  readonly #units: readonly Float32Array[];

  /**
   * @param points Landmarks in pixels of the picture.
   * @param depths Of each landmark, in pixels; what is nearer to the camera has less.
   */
  constructor(widthPx: number, heightPx: number, points: FaceShape, depths: Float32Array) {
    this.#columns = Math.ceil(widthPx / CELL_PX) + 1;
    this.#rows = Math.ceil(heightPx / CELL_PX) + 1;
    const face = faceOf(points);
    const relief = new Relief(points, depths, face);
    this.#units = Array.from({ length: 4 }, () => new Float32Array(2 * this.#columns * this.#rows));
    const [yaw, pitch, roll, breath] = this.#units;
    for (let row = 0, at = 0; row < this.#rows; row++) {
      for (let column = 0; column < this.#columns; column++, at += 2) {
        const [x, y] = [column * CELL_PX, row * CELL_PX];
        const [u, v] = toFace(face, x, y);
        const hold = 1 - smoothStep(1, FADE_END, headRadius(face, u, v));
        const depth = hold * relief.at(x, y, u, v);
        yaw[at] = depth;
        pitch[at + 1] = depth;
        // About the neck, clockwise: what lies above it goes to the right.
        roll[at] = -hold * (v - NECK_BELOW_MIDDLE * face.height);
        roll[at + 1] = hold * u;
        const body = smoothStep(0, BODY_RAMP, v / face.height - 0.5);
        const edge = smoothStep(0, EDGE_SHARE, 1 - y / heightPx);
        breath[at + 1] = -SHOULDER_RISE * face.height * edge * Math.max(body, HEAD_SHARE * hold);
      }
    }
  }

  movement({ yaw, pitch, roll, breath }: Omit<IdlePose, 'lids'>): MovementGrid {
    const vectors = new Float32Array(2 * this.#columns * this.#rows);
    for (const [k, amount] of [yaw, pitch, roll, breath].entries()) {
      const unit = this.#units[k];
      for (let i = 0; i < vectors.length; i++) vectors[i] += amount * unit[i];
    }
    return { columns: this.#columns, rows: this.#rows, cellPx: CELL_PX, vectors };
  }
}

/** Where the content at a place of the photo goes. Outside the picture it moves as at its edge. */
export function movedBy({ columns, rows, cellPx, vectors }: MovementGrid, [x, y]: Place): Place {
  const column = Math.min(Math.max(x / cellPx, 0), columns - 1.001);
  const row = Math.min(Math.max(y / cellPx, 0), rows - 1.001);
  const [fx, fy] = [column % 1, row % 1];
  const at = 2 * ((row - fy) * columns + (column - fx));
  const below = at + 2 * columns;
  const mean = (k: number) =>
    (vectors[at + k] * (1 - fx) + vectors[at + 2 + k] * fx) * (1 - fy) +
    (vectors[below + k] * (1 - fx) + vectors[below + 2 + k] * fx) * fy;
  return [x + mean(0), y + mean(1)];
}

/** A face's own axes: `u` to its left, `v` to its chin, from the middle, in pixels. */
interface FaceAxes {
  readonly middle: Place;
  /** Unit vector of `v`. */
  readonly down: Place;
  readonly width: number;
  readonly height: number;
}

function faceOf(points: FaceShape): FaceAxes {
  const [top, chin] = [placeOf(points, FOREHEAD), placeOf(points, CHIN)];
  const [left, right] = SIDES.map((side) => placeOf(points, side));
  const height = Math.hypot(chin[0] - top[0], chin[1] - top[1]);
  return {
    middle: placeOf(points, MIDDLE),
    down: [(chin[0] - top[0]) / height, (chin[1] - top[1]) / height],
    // A head that is turned away looks narrower, but is not.
    width: Math.max(Math.hypot(right[0] - left[0], right[1] - left[1]), 0.7 * height),
    height,
  };
}

function toFace({ middle, down }: FaceAxes, x: number, y: number): Place {
  const [dx, dy] = [x - middle[0], y - middle[1]];
  return [dx * down[1] - dy * down[0], dx * down[0] + dy * down[1]];
}

/** 0 in the middle of the head, 1 at its outline. */
function headRadius({ width, height }: FaceAxes, u: number, v: number): number {
  return Math.hypot(u / (HEAD_HALF_WIDTH * width), v / ((v < 0 ? HEAD_ABOVE_MIDDLE : HEAD_BELOW_MIDDLE) * height));
}

/** How far what is seen lies before the axis of the neck: a smooth dome, and on it the face as the mesh has it. */
class Relief {
  readonly #face: FaceAxes;
  readonly #points: FaceShape;
  /** How much nearer each landmark is than the dome. */
  readonly #extra: Float32Array;

  constructor(points: FaceShape, depths: Float32Array, face: FaceAxes) {
    this.#face = face;
    this.#points = points;
    const extra = depths.map((depth, i) => -depth - this.#dome(...toFace(face, points[2 * i], points[2 * i + 1])));
    // The mesh knows depths up to a constant only.
    const mean = extra.reduce((sum, value) => sum + value, 0) / extra.length;
    this.#extra = extra.map((value) => value - mean);
  }

  /** In pixels. */
  at(x: number, y: number, u: number, v: number): number {
    const dome = this.#dome(u, v);
    if (dome === 0) return 0;
    const reach = RELIEF_SMOOTHING * this.#face.width;
    // Where no landmark is near the dome is all there is.
    let [weights, sum] = [0.5, 0];
    for (let i = 0; i < this.#extra.length; i++) {
      const away = ((x - this.#points[2 * i]) ** 2 + (y - this.#points[2 * i + 1]) ** 2) / (2 * reach * reach);
      if (away > 12) continue;
      const weight = Math.exp(-away);
      weights += weight;
      sum += weight * this.#extra[i];
    }
    return dome + sum / weights;
  }

  #dome(u: number, v: number): number {
    return FACE_DEPTH * this.#face.width * Math.max(0, 1 - headRadius(this.#face, u, v) ** 2);
  }
}

function smoothStep(start: number, end: number, value: number): number {
  const share = Math.min(Math.max((value - start) / (end - start), 0), 1);
  return share * share * (3 - 2 * share);
}
