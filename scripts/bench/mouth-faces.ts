import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CROP_MOUTH, CROP_MOUTH_WIDTH, FRAME_GEOMETRY as FIELD, GEOMETRY_SIZE } from '../../server/avatars/avatar.ts';
import { FaceLandmarks } from '../../server/avatars/face-landmarks.ts';
import { mouthGeometry } from '../../server/avatars/mouth-geometry.ts';
import type { Frame } from '../../server/codecs/frame.ts';
import { readPictures } from '../../server/codecs/media-file.ts';
import { toRgb } from '../../server/codecs/picture.ts';

const FOLDER = join(import.meta.dirname, 'mouth-faces');
const FRAMES_PER_SECOND = 25;
/** Where a chin is in the crop, as a rule. */
const USUAL_CHIN_V = 94;
const USUAL_HALF_WIDTH = 57;

/** A mouth that somebody was rendered with, and how it looks. */
export interface TrueMouth {
  /** What it says: `aa`, `PP`, … */
  readonly name: string;
  /** The `MOUTH_PARAMETERS`. */
  readonly row: Float32Array;
  readonly picture: Frame;
}

/** Somebody that no network was trained on. */
export interface TestFace {
  readonly closed: Frame;
  /** Of the closed picture, see `FRAME_GEOMETRY`. */
  readonly geometry: Float32Array;
  readonly mouths: readonly TrueMouth[];
}

/** One line of the list beside a film of faces. */
interface Entry {
  readonly person: number;
  /** `closed`, or the mouth's name. */
  readonly kind: string;
  readonly row: readonly number[];
  /** `a b tx ty` of the crop where it is known exactly; elsewhere the face is found as in a user's picture. */
  readonly crop?: readonly number[];
}

/**
 * Reads `mouth-faces/<name>.mp4` and `.json`.
 *
 * @throws {Error} if a face cannot be found in a closed picture that comes without its crop.
 */
export async function loadFaces(name: string, sizePx: number): Promise<TestFace[]> {
  const entries = JSON.parse(await readFile(join(FOLDER, `${name}.json`), 'utf8')) as Entry[];
  const options = { widthPx: sizePx, heightPx: sizePx, framesPerSecond: FRAMES_PER_SECOND };
  const finder = entries.some(({ kind, crop }) => kind === 'closed' && !crop) ? await FaceLandmarks.open() : null;
  const faces: { closed: Frame; geometry: Float32Array; mouths: TrueMouth[] }[] = [];
  let index = 0;
  for await (const { widthPx, heightPx, data } of readPictures(join(FOLDER, `${name}.mp4`), options)) {
    const entry = entries[index++];
    if (!entry) break;
    const picture = { widthPx, heightPx, data: Uint8Array.from(data) };
    if (entry.kind !== 'closed') {
      faces.at(-1)!.mouths.push({ name: entry.kind, row: Float32Array.from(entry.row), picture });
      continue;
    }
    const geometry = entry.crop
      ? geometryOf(entry.crop)
      : await findMouth(finder!, picture, `${name}.mp4, person ${entry.person}`);
    faces.push({ closed: picture, geometry, mouths: [] });
  }
  return faces;
}

function geometryOf(crop: readonly number[]): Float32Array {
  const geometry = new Float32Array(GEOMETRY_SIZE);
  const { u, v } = CROP_MOUTH;
  geometry.set(crop, FIELD.A);
  geometry.set([u - CROP_MOUTH_WIDTH / 2, v, u + CROP_MOUTH_WIDTH / 2, v, u, v, u, USUAL_CHIN_V], FIELD.LEFT_U);
  geometry.set([u - USUAL_HALF_WIDTH, u + USUAL_HALF_WIDTH], FIELD.FACE_LEFT_U);
  return geometry;
}

async function findMouth(finder: FaceLandmarks, picture: Frame, where: string): Promise<Float32Array> {
  const { widthPx, heightPx } = picture;
  const [face] = await finder.find({ widthPx, heightPx, data: toRgb(picture) });
  if (!face) throw new Error(`${where}: no face was found`);
  return mouthGeometry([face.points])[0];
}
