import { type FaceShape, type Place, placeOf } from '../face-shape.ts';

/** Landmarks of an eye: its corners, left and right as seen in the picture, both rims from left to right, and the brow above it. */
const EYES = [
  {
    corners: [33, 133],
    upper: [246, 161, 160, 159, 158, 157, 173],
    lower: [7, 163, 144, 145, 153, 154, 155],
    brow: [53, 52, 65],
  },
  {
    corners: [362, 263],
    upper: [398, 384, 385, 386, 387, 388, 466],
    lower: [382, 381, 380, 374, 373, 390, 249],
    brow: [295, 282, 283],
  },
] as const;

/** An eye less open than this, against its width, is closed or squinting; its lid has nowhere to go. */
const MIN_OPENING = 0.1;
/** The rim carries lashes, and moves as it is: so much of the skin above it, against the way to the brow. */
const RIM_SHARE = 0.22;
/** The skin is stretched up to here, against the way to the brow. */
const SKIN_SHARE = 0.85;
/** But never more than so many times. */
const MAX_STRETCH = 2.2;
/** Where a stretch begins and ends it does so gently: share of its length. */
const EASE = 0.2;
/** The line of lashes casts a shadow where the lids meet: how dark, and how wide against the eye's width. */
const SHADOW = 0.55;
const SHADOW_SHARE = 0.035;
/** Rims are looked for around the mesh's, which are a little off, at these distances against the eye's width, down. */
const UPPER_SHIFTS = [-0.04, -0.02, 0, 0.02, 0.04, 0.06] as const;
const LOWER_SHIFTS = [0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12] as const;
/** Where none is seen they are taken to lie here: a lid that falls too far looks better than one that leaves a slit. */
const UPPER_USUAL = 0.01;
const LOWER_USUAL = 0.06;
/** Lashes are that much darker, of 255, than what lies this far above and below, against the eye's width. */
const MIN_DEPTH = 12;
const BESIDE_SHARE = 0.05;
/** The lid's edge lies under its line of lashes. */
const UNDER_LASHES_SHARE = 0.02;
/** Places along a rim where it is looked for, and what it costs a rim to bend unlike the mesh's. */
const COLUMNS = 15;
const BEND_COST = 40;
/** Powers of the curve through a rim. */
const POWERS = 5;

/** One eye whose lid can fall: `u` runs along the line between its corners, `v` down, in pixels, from the middle between them. */
interface Eye {
  readonly middle: Place;
  /** Unit vector of `u`. */
  readonly along: Place;
  readonly halfWidth: number;
  readonly upper: Curve;
  readonly lower: Curve;
  /** From the upper rim to the brow. */
  readonly browGap: number;
  /** Square around all that moves. */
  readonly reach: number;
}

/** What is seen at a place once the lid has fallen. */
export interface LidView {
  /** Where the lid's skin comes from. */
  readonly skin: Place;
  /** How much of the place the lid covers, 0..1; the rest shows the photo. */
  readonly cover: number;
  /** How much of the skin's light is left, 0..1. */
  readonly light: number;
}

/** Brightness of the photo at a place in pixels, 0..255. */
export type LumaAt = (x: number, y: number) => number;

type Curve = (u: number) => number;

/**
 * How lids fall over eyes: the skin above the eye is drawn down with its rim and stretched, the eye itself stays where it is.
 * Eyes that are closed in the photo stay so.
 */
export class Eyelids {
  readonly #eyes: readonly Eye[];

  constructor(points: FaceShape, luma: LumaAt) {
    this.#eyes = EYES.map((eye) => eyeOf(points, eye, luma)).filter((eye) => eye !== null);
  }

  /** Boxes outside which nothing ever moves, in pixels. */
  get boxes(): readonly { readonly x0: number; readonly x1: number; readonly y0: number; readonly y1: number }[] {
    return this.#eyes.map(({ middle: [x, y], reach }) => ({
      x0: x - reach,
      x1: x + reach,
      y0: y - reach,
      y1: y + reach,
    }));
  }

  /**
   * @param closing 0: as in the photo; 1: closed.
   * @returns Null where the photo is seen.
   */
  viewAt(x: number, y: number, closing: number): LidView | null {
    for (const eye of this.#eyes) {
      const [dx, dy] = [x - eye.middle[0], y - eye.middle[1]];
      if (Math.abs(dx) > eye.reach || Math.abs(dy) > eye.reach) continue;
      const u = dx * eye.along[0] + dy * eye.along[1];
      const v = dy * eye.along[0] - dx * eye.along[1];
      const moved = lidAt(eye, u, v, closing);
      if (!moved) continue;
      const skin: Place = [x + moved.up * eye.along[1], y - moved.up * eye.along[0]];
      return { skin, cover: moved.cover, light: moved.light };
    }
    return null;
  }
}

/** @returns How far up the skin at (u, v) comes from, and how much of the place it covers. */
function lidAt(eye: Eye, u: number, v: number, closing: number) {
  if (Math.abs(u) >= eye.halfWidth) return null;
  const rim = eye.upper(u);
  const fall = closing * Math.max(0, eye.lower(u) - rim);
  if (fall < 0.05) return null;
  const fallen = rim + fall;
  const cover = Math.min(Math.max(fallen - v + 0.5, 0), 1);
  if (cover === 0) return null;
  const rigid = RIM_SHARE * eye.browGap;
  const length = Math.max(SKIN_SHARE * eye.browGap - rigid + fall, (fall * MAX_STRETCH) / (MAX_STRETCH - 1));
  const top = fallen - rigid - length;
  if (v <= top) return null;
  const above = Math.max(0, fallen - v) / (SHADOW_SHARE * 2 * eye.halfWidth);
  const opening = Math.max(0, eye.lower(u) - rim);
  const light =
    1 - SHADOW * closing * Math.min(1, opening / (SHADOW_SHARE * 4 * eye.halfWidth)) * Math.max(0, 1 - above) ** 2;
  return { up: fall * eased((v - top) / length), cover, light };
}

/** 0..1, straight but for its ends. */
function eased(share: number): number {
  if (share >= 1) return 1;
  const slope = 1 / (1 - EASE);
  if (share < EASE) return (slope * share * share) / (2 * EASE);
  if (share > 1 - EASE) return 1 - (slope * (1 - share) ** 2) / (2 * EASE);
  return slope * (share - EASE / 2);
}

function eyeOf(points: FaceShape, { corners, upper, lower, brow }: (typeof EYES)[number], luma: LumaAt): Eye | null {
  const [left, right] = corners.map((corner) => placeOf(points, corner));
  const width = Math.hypot(right[0] - left[0], right[1] - left[1]);
  if (!(width > 4)) return null;
  const along: Place = [(right[0] - left[0]) / width, (right[1] - left[1]) / width];
  const middle: Place = [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2];
  const toEye = (index: number): Place => {
    const [x, y] = placeOf(points, index);
    const [dx, dy] = [x - middle[0], y - middle[1]];
    return [dx * along[0] + dy * along[1], dy * along[0] - dx * along[1]];
  };
  const halfWidth = width / 2;
  const curve = (indices: readonly number[]) =>
    curveThrough([[-halfWidth, 0], ...indices.map(toEye), [halfWidth, 0]], halfWidth);
  const lightAt: LumaAt = (u, v) =>
    luma(middle[0] + u * along[0] - v * along[1], middle[1] + u * along[1] + v * along[0]);
  const [upperRim, lowerRim] = [
    shifted(
      curve(upper),
      seenShifts(curve(upper), lightAt, halfWidth, UPPER_SHIFTS, UPPER_USUAL),
      halfWidth,
      UNDER_LASHES_SHARE,
    ),
    shifted(curve(lower), seenShifts(curve(lower), lightAt, halfWidth, LOWER_SHIFTS, LOWER_USUAL), halfWidth, 0),
  ];
  if (lowerRim(0) - upperRim(0) < MIN_OPENING * width) return null;
  const browHeight = brow.map(toEye).reduce((sum, [, v]) => sum + v / brow.length, 0);
  const browGap = Math.max(upperRim(0) - browHeight, 0.2 * width);
  return { middle, along, halfWidth, upper: upperRim, lower: lowerRim, browGap, reach: halfWidth + 2 * browGap };
}

type Shifts = readonly [left: number, middle: number, right: number];

/** How far below a rim of the mesh, at its left, middle and right, the line of lashes is seen, against the eye's width. */
function seenShifts(rim: Curve, light: LumaAt, halfWidth: number, shifts: readonly number[], usual: number): Shifts {
  const beside = BESIDE_SHARE * 2 * halfWidth;
  let best = { depth: MIN_DEPTH, shifts: [usual, usual, usual] as Shifts };
  for (const left of shifts) {
    for (const middle of shifts) {
      for (const right of shifts) {
        const moved = shifted(rim, [left, middle, right], halfWidth, 0);
        let depth = 0;
        for (let k = 0; k < COLUMNS; k++) {
          const u = halfWidth * 0.8 * ((2 * k) / (COLUMNS - 1) - 1);
          const v = moved(u);
          depth += Math.min(light(u, v - beside), light(u, v + beside)) - light(u, v);
        }
        depth = depth / COLUMNS - BEND_COST * (Math.abs(left - middle) + Math.abs(right - middle));
        if (depth > best.depth) best = { depth, shifts: [left, middle, right] };
      }
    }
  }
  return best.shifts;
}

/** A rim moved down by a parabola that has given heights, and some more, at two thirds of the way to the corners and in the middle. */
function shifted(rim: Curve, [left, middle, right]: Shifts, halfWidth: number, more: number): Curve {
  return (u) => {
    const t = (1.5 * u) / halfWidth;
    const shift = middle + ((right - left) / 2) * t + ((left + right) / 2 - middle) * t * t + more;
    return rim(u) + 2 * halfWidth * shift;
  };
}

/** The polynomial of least squares through some places. */
function curveThrough(places: readonly Place[], halfWidth: number): Curve {
  const rows = places.map(([u]) => Array.from({ length: POWERS }, (_, power) => (u / halfWidth) ** power));
  const matrix = Array.from({ length: POWERS }, (_, i) => [
    ...Array.from({ length: POWERS }, (_, j) => rows.reduce((sum, row) => sum + row[i] * row[j], 0)),
    rows.reduce((sum, row, k) => sum + row[i] * places[k][1], 0),
  ]);
  const weights = solve(matrix);
  return (u) => weights.reduceRight((sum, weight) => sum * (u / halfWidth) + weight, 0);
}

/** Gauss's elimination of a symmetric, well-conditioned system; its right side stands in the last column. */
function solve(matrix: number[][]): number[] {
  const size = matrix.length;
  for (let k = 0; k < size; k++) {
    for (let i = 0; i < size; i++) {
      if (i === k) continue;
      const share = matrix[i][k] / matrix[k][k];
      for (let j = k; j <= size; j++) matrix[i][j] -= share * matrix[k][j];
    }
  }
  return matrix.map((row, k) => row[size] / row[k]);
}
