import { CROP_SIZE_PX } from '../../avatars/avatar.ts';
import { FACE_HALF_WIDTH, type MouthShape, smoothStep } from './mouth-shape.ts';

/** Nodes per side of the flow: one every two crop pixels. */
export const FLOW_GRID_SIZE = 65;
const NODE_PX = CROP_SIZE_PX / (FLOW_GRID_SIZE - 1);
/** Heights of a relaxed face relative to the line between the lips, in crop pixels. */
const NOSE_BASE = -19;
const UPPER_LIP_TOP = -6;
const LOWER_LIP_BOTTOM = 13;
/** How much higher the jaw's outline is at its sides, at {@link JAW_SIDE} from the middle. */
const JAW_RISE = 20;
const JAW_SIDE = 46;
/** The front of the chin, which moves as one piece, reaches this far from the middle. */
const JAW_PLATEAU = 8;
/** Below this nothing moves. */
const LOWEST = CROP_SIZE_PX - 2;

/**
 * Moves the skin: writes where each node's pixel comes from. Column by column, heights are mapped by two smooth rising curves, one from nose
 * base to upper lip, one from lower lip to neck; what lies in the opening between them comes from the line between the lips.
 *
 * @param flow `FLOW_GRID_SIZE² × 2`, as `MouthPatch.flow`; written completely.
 */
export function writeFlow(shape: MouthShape, flow: Float32Array): void {
  flow.fill(0);
  for (let i = 1; i < FLOW_GRID_SIZE - 1; i++) {
    const x = i * NODE_PX - shape.centreU;
    if (Math.abs(x) < FACE_HALF_WIDTH) writeColumn(shape, x, flow, i);
  }
}

function writeColumn(shape: MouthShape, x: number, flow: Float32Array, i: number): void {
  const t = x / shape.halfWidth;
  const line = shape.line(t);
  const drop = shape.drop(x);
  const open = shape.open(x);
  const jaw = shape.sideways(x, JAW_PLATEAU) * shape.jaw;
  const lips = lipProfile(t);

  const noseBase = line + NOSE_BASE;
  const upperTop = line + UPPER_LIP_TOP;
  const topEdge = line + drop - shape.upperLip * open;
  const bottomEdge = line + drop + shape.lowerLip * open;
  const lowerBottom = line + LOWER_LIP_BOTTOM;
  const side = x / JAW_SIDE;
  const chin = Math.min(Math.max(shape.chinV - JAW_RISE * side * side, lowerBottom + 6), LOWEST - 8);

  // The lips' outer edges follow their inner ones; pushed forward they look fuller, pressed or tucked in thinner.
  const upperShift = drop * 0.5 + lips * (-0.8 * shape.upperLip - 1.6 * shape.round + 1.5 * shape.press);
  const lowerShift =
    jaw * 0.97 * (1 - lips) + lips * (0.95 * shape.lowerLip + 1.2 * shape.round - 1.8 * shape.press - 3.2 * shape.tuck);
  const chinShift = limited(jaw * 0.85, 0.55 * (LOWEST - chin)) - lips * (0.6 * shape.press + 0.8 * shape.tuck);

  upper.set3(noseBase, 0, upperTop, upperShift, line, topEdge - line);
  // A tucked lip has rolled its upper part inwards: the picture goes on below it.
  lower.set4(
    line + lips * 3.5 * shape.tuck,
    bottomEdge - (line + lips * 3.5 * shape.tuck),
    lowerBottom,
    Math.max(lowerShift, bottomEdge + 2 - lowerBottom),
    chin,
    chinShift,
    LOWEST,
  );

  const narrowed = horizontalShift(shape, x);
  const lowerEnd = chin + chinShift;
  for (let j = 1; j < FLOW_GRID_SIZE - 1; j++) {
    const v = j * NODE_PX;
    if (v <= noseBase) continue;
    if (v >= LOWEST) break;
    const from =
      v <= topEdge ? upper.at(v) : v >= bottomEdge ? lower.at(v) : between(shape, v, topEdge, bottomEdge, line, lips);
    const near =
      v < line
        ? smoothStep((v - noseBase) / (-NOSE_BASE * 0.7))
        : 1 - smoothStep((v - bottomEdge - 6) / (lowerEnd - bottomEdge));
    const at = (j * FLOW_GRID_SIZE + i) * 2;
    flow[at] = narrowed * near;
    flow[at + 1] = from - v;
  }
}

function between(shape: MouthShape, v: number, top: number, bottom: number, line: number, lips: number): number {
  return line + (lips * 3.5 * shape.tuck * (v - top)) / Math.max(bottom - top, 1e-6);
}

/** `value` while it is small against `most`, which it never passes: the neck must keep some room. */
function limited(value: number, most: number): number {
  return value / Math.cbrt(1 + (value / most) ** 3);
}

/** 1 in the middle of the lips, 0 from the corners on. */
function lipProfile(t: number): number {
  return 1 - smoothStep(Math.abs(t) * Math.abs(t));
}

/** How far to the side of `x` its pixel comes from, at the height of the mouth. */
function horizontalShift(shape: MouthShape, x: number): number {
  const atCorner = shape.restHalfWidth - shape.halfWidth;
  const size = Math.abs(x);
  const shift =
    size < shape.halfWidth ? (atCorner * size) / shape.halfWidth : atCorner * shape.sideways(x, shape.halfWidth);
  return x < 0 ? -shift : shift;
}

/**
 * A smooth rising curve from drawn to photographed height through three or four points (piecewise cubic, slopes by Fritsch
 * and Carlson's rule, "Monotone Piecewise Cubic Interpolation", 1980, so that nothing folds over).
 */
class HeightCurve {
  readonly #drawn = new Float64Array(4);
  readonly #source = new Float64Array(4);
  readonly #slope = new Float64Array(4);
  #points = 0;

  /** Point k of the photograph moves by the shift; the first point's outside is at rest. */
  set3(s0: number, d0: number, s1: number, d1: number, s2: number, d2: number): void {
    this.#points = 3;
    this.#put(0, s0, d0);
    this.#put(1, s1, d1);
    this.#put(2, s2, d2);
    this.#tilt(1, null);
  }

  /** As `set3`; here the last point is where rest begins. */
  set4(s0: number, d0: number, s1: number, d1: number, s2: number, d2: number, rest: number): void {
    this.#points = 4;
    this.#put(0, s0, d0);
    this.#put(1, s1, d1);
    this.#put(2, s2, d2);
    this.#put(3, rest, 0);
    this.#tilt(null, 1);
  }

  /** Height in the photograph of the drawn height `v`. */
  at(v: number): number {
    let k = 0;
    while (k < this.#points - 2 && v > this.#drawn[k + 1]) k++;
    const width = this.#drawn[k + 1] - this.#drawn[k];
    const s = Math.min(1, Math.max(0, (v - this.#drawn[k]) / width));
    const rise = this.#source[k + 1] - this.#source[k];
    const m0 = this.#slope[k] * width;
    const m1 = this.#slope[k + 1] * width;
    return this.#source[k] + s * (m0 + s * (3 * rise - 2 * m0 - m1 + s * (m0 + m1 - 2 * rise)));
  }

  #put(k: number, source: number, shift: number): void {
    this.#source[k] = source;
    const drawn = source + shift;
    this.#drawn[k] = k > 0 ? Math.max(drawn, this.#drawn[k - 1] + 0.5) : drawn;
  }

  #tilt(first: number | null, last: number | null): void {
    const end = this.#points - 1;
    const steep = (k: number): number =>
      (this.#source[k + 1] - this.#source[k]) / (this.#drawn[k + 1] - this.#drawn[k]);
    for (let k = 0; k <= end; k++) {
      const before = k > 0 ? steep(k - 1) : steep(k);
      const after = k < end ? steep(k) : before;
      const mean = (2 * before * after) / Math.max(before + after, 1e-9);
      const wanted = k === 0 && first !== null ? first : k === end && last !== null ? last : mean;
      this.#slope[k] = Math.min(Math.max(wanted, 0), 3 * before, 3 * after);
    }
  }
}

const upper = new HeightCurve();
const lower = new HeightCurve();
