import type { Face } from '../../server/avatars/face-landmarks.ts';

/** The face mesh's outline, from the forehead's middle round by the left ear, the chin and the right ear, as numbers of points. */
export const OUTLINE = [
  ...[10, 109, 67, 103, 54, 21, 162, 127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148],
  ...[152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356, 389, 251, 284, 332, 297, 338],
];
/** Between these the neck begins. */
const [NECK_LEFT, NECK_RIGHT, CHIN] = [150, 379, 152];

type Place = readonly [x: number, y: number];

/** The outline of a face, as the picture shows it. */
export class FaceOutline {
  readonly #places: readonly Place[];
  readonly #neck: { readonly left: number; readonly right: number; readonly top: number };

  constructor({ points }: Pick<Face, 'points'>) {
    const placeOf = (index: number): Place => [points[2 * index], points[2 * index + 1]];
    this.#places = OUTLINE.map(placeOf);
    const [left, right] = [placeOf(NECK_LEFT), placeOf(NECK_RIGHT)];
    this.#neck = { left: left[0], right: right[0], top: (left[1] + placeOf(CHIN)[1]) / 2 };
  }

  /** How far a place is from the face and the neck below it, in pixels; 0 within. */
  distanceTo(x: number, y: number): number {
    const { left, right, top } = this.#neck;
    if (this.contains(x, y)) return 0;
    const toNeck = Math.hypot(Math.max(left - x, 0, x - right), Math.max(top - y, 0));
    return this.#sides().reduce((least, [from, to]) => Math.min(least, distanceToSide(from, to, x, y)), toNeck);
  }

  /** Whether a place is within the face. */
  contains(x: number, y: number): boolean {
    let isInside = false;
    for (const [[x0, y0], [x1, y1]] of this.#sides()) {
      if (y0 > y !== y1 > y && x < ((x1 - x0) * (y - y0)) / (y1 - y0) + x0) isInside = !isInside;
    }
    return isInside;
  }

  #sides(): (readonly [Place, Place])[] {
    return this.#places.map((place, i) => [place, this.#places[(i + 1) % this.#places.length]] as const);
  }
}

function distanceToSide([x0, y0]: Place, [x1, y1]: Place, x: number, y: number): number {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const share = Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x0 + share * dx - x, y0 + share * dy - y);
}
