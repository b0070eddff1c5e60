import { CROP_MOUTH_WIDTH, FRAME_GEOMETRY } from '../../avatars/avatar.ts';
import { type FaceLook, LINE_POINTS, lineHeight } from './face-look.ts';

/**
 * Where lips, teeth and jaw of one frame are, in crop pixels, which are about millimetres: a mouth is
 * {@link CROP_MOUTH_WIDTH} wide. `x` counts from the middle of the mouth; `t` is x in half widths of the mouth, ±1 at its corners.
 */
export class MouthShape {
  /** Middle of the mouth. */
  centreU = 0;
  /** Half the mouth's width as photographed and as drawn. */
  restHalfWidth = 0;
  halfWidth = 0;
  /** Half the width of the opening; lips touch further out. */
  openHalfWidth = 0;
  /** How far the jaw, the lower lip and (upwards) the upper lip move at the middle. */
  jaw = 0;
  lowerLip = 0;
  upperLip = 0;
  /** How much the lips are pushed forward (they look fuller), pressed together (thinner), tucked in; 0..1. */
  round = 0;
  press = 0;
  tuck = 0;
  /** 0..1: down behind the lower teeth .. between the teeth. */
  tongue = 0;
  chinV = 0;
  /** How far the mouth's corners go down. */
  cornerDrop = 0;
  /** 1.. : how boxy the opening is; 2 is an ellipse's outline at its flattest. */
  #sharpness = 0;
  #geometry: Float32Array = new Float32Array(0);
  #look: FaceLook | null = null;

  /** Height of the opening at the middle; 0 when closed. */
  get opening(): number {
    return this.lowerLip + this.upperLip;
  }

  /**
   * @param parameters The eight numbers, 0..1, in the order of `MOUTH_PARAMETERS`. Borrowed for the call.
   * @param geometry The frame's geometry. Borrowed until the next call.
   */
  set(parameters: Float32Array, geometry: Float32Array, look: FaceLook): void {
    const [jaw, lower, upper, spread, round, press, tuck, tongue] = parameters;
    this.#geometry = geometry;
    this.#look = look;
    const left = geometry[FRAME_GEOMETRY.LEFT_U];
    const right = geometry[FRAME_GEOMETRY.RIGHT_U];
    const unit = (right - left) / CROP_MOUTH_WIDTH;
    this.centreU = (left + right) / 2;
    this.chinV = geometry[FRAME_GEOMETRY.CHIN_V];
    this.round = round;
    this.press = press;
    this.tuck = tuck;
    this.tongue = tongue;
    this.jaw = 25 * unit * jaw;
    this.restHalfWidth = (right - left) / 2;
    this.halfWidth = this.restHalfWidth * (1 + 0.13 * spread - 0.3 * round - 0.15 * jaw);
    this.openHalfWidth = this.halfWidth * (1 - 0.34 * round - 0.04 * (1 - spread));
    this.cornerDrop = 0.3 * this.jaw - 1.2 * unit * spread;
    this.#sharpness = 0.72 - 0.17 * round + 0.12 * spread;

    const free = 1 - smoothStep((press - 0.35) / 0.6);
    const down = (this.jaw * (0.97 - 0.22 * round) + 6.5 * unit * lower) * (1 - 0.75 * tuck) * free;
    const up = (0.07 * this.jaw + 5 * unit * upper + 0.8 * unit * round + 2.2 * unit * tuck) * free;
    // Lips are soft: they part only after the jaw has gone a little way.
    const apart = down + up;
    const parted = apart / (apart + 1.3 * unit);
    this.lowerLip = down * parted;
    this.upperLip = up * parted;
  }

  /** Height of the closed lips' line at `t`. */
  line(t: number): number {
    const inside = Math.min(Math.max(t, -1), 1);
    const at = ((inside + 1) / 2) * (LINE_POINTS - 1);
    const i = Math.min(Math.floor(at), LINE_POINTS - 2);
    const offsets = this.#look!.lineOffsets;
    return lineHeight(this.#geometry, inside) + offsets[i] + (offsets[i + 1] - offsets[i]) * (at - i);
  }

  /** How far the line between the lips as a whole goes down at `x`: not at all in the middle, with the jaw at the corners. */
  drop(x: number): number {
    const toCorner = Math.min(1, Math.abs(x) / this.halfWidth);
    return (
      this.cornerDrop * smoothStep(toCorner) * (Math.abs(x) < this.halfWidth ? 1 : this.sideways(x, this.halfWidth))
    );
  }

  /** 0..1: part of the full opening at `x`. */
  open(x: number): number {
    const part = x / this.openHalfWidth;
    return part * part >= 1 ? 0 : (1 - part * part) ** this.#sharpness;
  }

  /** Fades from 1 at `from` to 0 where the moving part of the face ends. */
  sideways(x: number, from: number): number {
    const past = (Math.abs(x) - from) / (FACE_HALF_WIDTH - from);
    return past <= 0 ? 1 : 1 - smoothStep(past);
  }
}

/** Nothing moves further from the middle than this, in crop pixels. */
export const FACE_HALF_WIDTH = 60;

/** 0 below 0, 1 above 1, smooth between. */
export function smoothStep(value: number): number {
  const x = Math.min(1, Math.max(0, value));
  return x * x * (3 - 2 * x);
}
