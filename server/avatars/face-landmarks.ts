import type { Human } from '@vladmandic/human';
import { AppError } from '../errors.ts';
import { OFF, openHuman } from './human-library.ts';

/** Points of the MediaPipe face mesh; their numbers are those of its canonical face model. */
export const FACE_POINTS = 468;

/** Side of the picture that the mesh model sees, in pixels. */
const MESH_SIZE_PX = 192;
/** What the mesh model wants to see, as a multiple of the face's longer side (MediaPipe face_landmark). */
const MESH_MARGIN = 1.5;
/** Below this the mesh model does not see a face. */
const MIN_SCORE = 0.5;
/** The detector sees a square; a picture may be so much longer than wide and still be pressed into it. */
const MAX_SQUEEZE = 1.25;
/** Most parts of one picture that are looked at. */
const MAX_TILES = 7;
/** Outer eye corners: the right one of the person, then the left one. */
const EYE_CORNERS = [33, 263] as const;

/** RGB8, row by row without padding. Borrowed for the call. */
export interface RgbPicture {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly data: Uint8Array;
}

export interface Face {
  /** 0..1 */
  readonly score: number;
  /** {@link FACE_POINTS} × (x, y) in pixels of the picture; a pixel's centre lies at .5. May lie outside the picture. */
  readonly points: Float32Array;
  /** How far away each point is, in pixels of the picture, up to a constant; what is nearer has less. */
  readonly depths: Float32Array;
}

/** A square to look for a face in, turned by `angle` radians. */
interface Look {
  readonly x: number;
  readonly y: number;
  readonly sizePx: number;
  readonly angle: number;
}

/**
 * Finds faces and their landmarks in pictures. Takes 200 MB and never gives them back, so it belongs in a short-lived process.
 */
export class FaceLandmarks {
  readonly #human: Human;

  private constructor(human: Human) {
    this.#human = human;
  }

  /** @throws {AppError} `model_missing` if the models cannot be loaded. */
  static async open(): Promise<FaceLandmarks> {
    const human = await openHuman({
      face: {
        enabled: true,
        detector: { maxDetected: 8, rotation: true, return: false, minConfidence: 0.3, skipFrames: 0, skipTime: 0 },
        mesh: { enabled: true },
        iris: OFF,
        attention: OFF,
        description: OFF,
        emotion: OFF,
        antispoof: OFF,
        liveness: OFF,
      },
    });
    if (!human.models.models.blazeface || !human.models.models.facemesh) {
      throw new AppError(
        'model_missing',
        `The face models of @vladmandic/human could not be loaded. Run \`npm install\` again.`,
      );
    }
    return new FaceLandmarks(human);
  }

  /** All faces of a picture, the largest first. About 40 ms, three times that if it is wide or tall. */
  async find(picture: RgbPicture): Promise<Face[]> {
    const faces: Face[] = [];
    for (const tile of tilesOf(picture)) {
      for (const rough of await this.#detect(picture, tile)) {
        // The library gives whole pixels; following its answer twice gives fractions.
        const near = this.follow(picture, rough);
        const face = near && this.follow(picture, near.points);
        if (face && !faces.some((other) => isSame(face, other))) faces.push(face);
      }
    }
    return faces.sort((a, b) => lookAt(b.points).sizePx - lookAt(a.points).sizePx);
  }

  /** Landmarks in whole pixels of all faces in a part of a picture. */
  async #detect({ data, widthPx, heightPx }: RgbPicture, { x, y, width, height }: Tile): Promise<Float32Array[]> {
    const { tf } = this.#human;
    const tensor = tf.tidy(() =>
      tf.slice3d(tf.tensor3d(data, [heightPx, widthPx, 3], 'int32'), [y, x, 0], [height, width, 3]),
    );
    try {
      const { face: found } = await this.#human.detect(tensor);
      return found.map(({ mesh }) => {
        return Float32Array.from(mesh.slice(0, FACE_POINTS).flatMap(([left, top]) => [left + x, top + y]));
      });
    } finally {
      tensor.dispose();
    }
  }

  /**
   * The face of a picture that lies about where it lay in the picture before. About 6 ms.
   *
   * @param points Landmarks of that face in the picture before.
   * @returns Null if there is no face any more.
   */
  follow(picture: RgbPicture, points: Float32Array): Face | null {
    const { tf, models } = this.#human;
    const model = models.models.facemesh;
    if (!model) throw new TypeError('the face models are not loaded');
    const look = lookAt(points);
    if (!(look.sizePx >= 16)) return null;
    const seen = tf.tensor4d(sample(picture, look), [1, MESH_SIZE_PX, MESH_SIZE_PX, 3]);
    const outputs = model.execute(seen) as ReturnType<typeof tf.tensor>[];
    try {
      // Two outputs matter: x, y, z of each point in pixels of the look, and the face score.
      const mesh = outputs.find(({ size }) => size === FACE_POINTS * 3)?.dataSync();
      const score = outputs.find(({ size }) => size === 1)?.dataSync()[0];
      if (!mesh || score === undefined) throw new TypeError('the face mesh model has unknown outputs');
      if (score < MIN_SCORE) return null;
      const depths = Float32Array.from(
        { length: FACE_POINTS },
        (_, i) => (mesh[3 * i + 2] * look.sizePx) / MESH_SIZE_PX,
      );
      return { score, points: toPicture(mesh, look), depths };
    } finally {
      tf.dispose([seen, ...outputs]);
    }
  }
}

/** A part of a picture, in pixels. */
interface Tile {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The whole picture; squares of it, each half over the next, if it is so long that faces would be squeezed beyond recognition. */
function tilesOf({ widthPx, heightPx }: RgbPicture): Tile[] {
  const side = Math.min(widthPx, heightPx);
  const length = Math.max(widthPx, heightPx);
  if (length <= MAX_SQUEEZE * side) return [{ x: 0, y: 0, width: widthPx, height: heightPx }];
  const count = Math.min(MAX_TILES, Math.ceil((2 * (length - side)) / side) + 1);
  return Array.from({ length: count }, (_, i) => {
    const start = Math.round(((length - side) * i) / (count - 1));
    return { x: widthPx > heightPx ? start : 0, y: widthPx > heightPx ? 0 : start, width: side, height: side };
  });
}

/** Whether two sightings are of one face. */
function isSame(a: Face, b: Face): boolean {
  const [first, second] = [lookAt(a.points), lookAt(b.points)];
  return Math.hypot(first.x - second.x, first.y - second.y) < Math.max(first.sizePx, second.sizePx) / (2 * MESH_MARGIN);
}

/** Where the mesh model should look for the face with these landmarks: upright, with a margin around it. */
function lookAt(points: Float32Array): Look {
  const [right, left] = EYE_CORNERS;
  const angle = Math.atan2(points[2 * left + 1] - points[2 * right + 1], points[2 * left] - points[2 * right]);
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  let [minU, maxU, minV, maxV] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    const u = cos * points[i] + sin * points[i + 1];
    const v = cos * points[i + 1] - sin * points[i];
    minU = Math.min(minU, u);
    maxU = Math.max(maxU, u);
    minV = Math.min(minV, v);
    maxV = Math.max(maxV, v);
  }
  const u = (minU + maxU) / 2;
  const v = (minV + maxV) / 2;
  const sizePx = MESH_MARGIN * Math.max(maxU - minU, maxV - minV);
  return { x: cos * u - sin * v, y: sin * u + cos * v, sizePx, angle };
}

function toPicture(mesh: ArrayLike<number>, { x, y, sizePx, angle }: Look): Float32Array {
  const points = new Float32Array(FACE_POINTS * 2);
  const a = (Math.cos(angle) * sizePx) / MESH_SIZE_PX;
  const b = (Math.sin(angle) * sizePx) / MESH_SIZE_PX;
  for (let i = 0; i < FACE_POINTS; i++) {
    const u = mesh[3 * i] - MESH_SIZE_PX / 2;
    const v = mesh[3 * i + 1] - MESH_SIZE_PX / 2;
    points[2 * i] = x + a * u - b * v;
    points[2 * i + 1] = y + b * u + a * v;
  }
  return points;
}

/** RGB 0..1 of what is seen; black outside the picture. Each pixel is the mean of enough places not to alias. */
function sample({ data, widthPx, heightPx }: RgbPicture, { x, y, sizePx, angle }: Look): Float32Array {
  const out = new Float32Array(MESH_SIZE_PX * MESH_SIZE_PX * 3);
  const places = Math.max(1, Math.round(sizePx / MESH_SIZE_PX));
  const a = (Math.cos(angle) * sizePx) / MESH_SIZE_PX;
  const b = (Math.sin(angle) * sizePx) / MESH_SIZE_PX;
  const scale = 1 / (255 * places * places);
  const side = MESH_SIZE_PX * places;
  for (let row = 0; row < side; row++) {
    const v = (row + 0.5) / places - MESH_SIZE_PX / 2;
    const outRow = Math.floor(row / places) * MESH_SIZE_PX;
    for (let column = 0; column < side; column++) {
      const u = (column + 0.5) / places - MESH_SIZE_PX / 2;
      const px = x + a * u - b * v - 0.5;
      const py = y + b * u + a * v - 0.5;
      const left = Math.floor(px);
      const top = Math.floor(py);
      if (left < 0 || top < 0 || left + 1 >= widthPx || top + 1 >= heightPx) continue;
      const fx = px - left;
      const fy = py - top;
      const at = (outRow + Math.floor(column / places)) * 3;
      const from = (top * widthPx + left) * 3;
      const below = from + widthPx * 3;
      for (let c = 0; c < 3; c++) {
        const upper = data[from + c] * (1 - fx) + data[from + 3 + c] * fx;
        const lower = data[below + c] * (1 - fx) + data[below + 3 + c] * fx;
        out[at + c] += (upper * (1 - fy) + lower * fy) * scale;
      }
    }
  }
  return out;
}
