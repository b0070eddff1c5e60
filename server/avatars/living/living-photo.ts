import { type Frame, frameSizeBytes } from '../../codecs/frame.ts';
import type { FaceShape, Place } from '../face-shape.ts';
import { Eyelids } from './eyelids.ts';
import { HeadField, type MovementGrid, movedBy } from './head-field.ts';
import { type IdlePose, idleMotion } from './idle-motion.ts';
import { PlaneMover } from './plane-mover.ts';
import { type Plane, sampleCubic } from './resample.ts';

/** A place comes from where the movement there leads back to; movements are so even that this often is enough. */
const ROUNDS = 3;
const STILL = { yaw: 0, pitch: 0, roll: 0, breath: 0 };
/** What lies in the dark. */
const BLACK_LUMA = 16;
const NO_CHROMA = 128;
/** Farthest that an eye is carried along, in pixels: what to look at beyond its own box. */
const CARRIED_PX = 16;

/** A photo of a face that breathes, sways and blinks: pictures and landmarks of any frame of its loop. */
export class LivingPhoto {
  readonly #photo: Frame;
  readonly #points: FaceShape;
  readonly #planes: readonly Plane[];
  readonly #movers: readonly PlaneMover[];
  readonly #head: HeadField;
  readonly #lids: Eyelids;
  readonly #poseAt: (frame: number) => IdlePose;

  /**
   * @param photo Borrowed as long as this is used.
   * @param points Landmarks in pixels of the photo.
   * @param depths Of each landmark, see `Face`.
   * @param seed See `idleMotion`.
   */
  constructor(photo: Frame, points: FaceShape, depths: Float32Array, seed: number) {
    this.#photo = photo;
    this.#points = points;
    this.#planes = planesOf(photo);
    this.#head = new HeadField(photo.widthPx, photo.heightPx, points, depths);
    const grid = this.#head.movement(STILL);
    this.#movers = this.#planes.map((plane) => new PlaneMover(plane, photo.widthPx / plane.width, grid));
    this.#lids = new Eyelids(points, (x, y) => sampleCubic(this.#planes[0], x - 0.5, y - 0.5));
    this.#poseAt = idleMotion(seed);
  }

  /** Picture of a frame, any whole number: a new one each time. Some 5 ms for 512². */
  picture(frame: number): Frame {
    return this.show(this.#poseAt(frame));
  }

  /** The photo in a pose. */
  show(pose: IdlePose): Frame {
    const { widthPx, heightPx } = this.#photo;
    const grid = this.#head.movement(pose);
    const data = new Uint8Array(frameSizeBytes(widthPx, heightPx));
    let first = 0;
    for (const [index, plane] of this.#planes.entries()) {
      const out = data.subarray(first, first + plane.data.length);
      const unitPx = widthPx / plane.width;
      this.#movers[index].move(grid, out);
      if (pose.lids > 0) this.#closeEyes(plane, grid, unitPx, pose.lids, out);
      first += plane.data.length;
    }
    return { widthPx, heightPx, data };
  }

  /** Landmarks in a frame; lids count as open. */
  points(frame: number): FaceShape {
    const grid = this.#head.movement(this.#poseAt(frame));
    const moved = new Float32Array(this.#points.length);
    for (let i = 0; i < moved.length; i += 2) moved.set(arrival(grid, [this.#points[i], this.#points[i + 1]]), i);
    return moved;
  }

  #closeEyes(plane: Plane, grid: MovementGrid, unitPx: number, closing: number, out: Uint8Array): void {
    const dark = plane.width === this.#photo.widthPx ? BLACK_LUMA : NO_CHROMA;
    for (const { x0, x1, y0, y1 } of this.#lids.boxes) {
      const inside = (px: number, side: number) => Math.min(Math.max(Math.round(px / unitPx), 0), side);
      const [right, bottom] = [inside(x1 + CARRIED_PX, plane.width), inside(y1 + CARRIED_PX, plane.height)];
      for (let row = inside(y0 - CARRIED_PX, plane.height); row < bottom; row++) {
        for (let column = inside(x0 - CARRIED_PX, plane.width); column < right; column++) {
          const [x, y] = [(column + 0.5) * unitPx, (row + 0.5) * unitPx];
          const [toX, toY] = movedBy(grid, [x, y]);
          const view = this.#lids.viewAt(2 * x - toX, 2 * y - toY, closing);
          if (!view) continue;
          const [skinX, skinY] = view.skin;
          const seen = sampleCubic(plane, skinX / unitPx - 0.5, skinY / unitPx - 0.5);
          const skin = dark + (seen - dark) * view.light;
          const at = row * plane.width + column;
          out[at] = out[at] + view.cover * (skin - out[at]) + 0.5;
        }
      }
    }
  }
}

/** Where the content of a place of the photo arrives: pictures are drawn from where each place comes from, so this looks for it. */
function arrival(grid: MovementGrid, [x, y]: Place): Place {
  let to: Place = [x, y];
  for (let round = 0; round < ROUNDS; round++) {
    const moved = movedBy(grid, to);
    to = [x + moved[0] - to[0], y + moved[1] - to[1]];
  }
  return to;
}

function planesOf({ widthPx, heightPx, data }: Frame): Plane[] {
  const luma = widthPx * heightPx;
  const [width, height] = [widthPx / 2, heightPx / 2];
  return [
    { data: data.subarray(0, luma), width: widthPx, height: heightPx },
    { data: data.subarray(luma, luma + width * height), width, height },
    { data: data.subarray(luma + width * height), width, height },
  ];
}
