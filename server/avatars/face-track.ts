import type { Frame } from '../codecs/frame.ts';
import { toRgb } from '../codecs/picture.ts';
import { FACE_POINTS, type Face, type FaceLandmarks } from './face-landmarks.ts';

/** So many frames in a row may lack a face: a passing hand, one blurred picture. */
const MAX_GAP_FRAMES = 5;
const POINT_NUMBERS = 2 * FACE_POINTS;

/** The largest face of a clip, frame by frame. */
export interface FaceTrack {
  /** `frameCount × FACE_POINTS × (x, y)` in frame pixels. */
  readonly points: Float32Array;
  readonly frameCount: number;
  /** Most faces seen at once, where faces were looked for: in the first frame and wherever the face was lost. */
  readonly faceCount: number;
}

/** What is needed of `FaceLandmarks` to follow a face. */
export type FaceFinder = Pick<FaceLandmarks, 'find' | 'follow'>;

/**
 * Follows the largest face through a clip. Where it is missing in a few frames, its landmarks are put between those before
 * and after.
 *
 * @param frames At least one.
 * @param notFound Makes the error for a gap of more than {@link MAX_GAP_FRAMES} frames that begins at a frame.
 */
export async function trackFace(
  frames: AsyncIterable<Frame>,
  finder: FaceFinder,
  notFound: (frameIndex: number) => Error,
): Promise<FaceTrack> {
  const seen: (Float32Array | null)[] = [];
  let last: Float32Array | null = null;
  let faceCount = 0;
  for await (const frame of frames) {
    const picture = { widthPx: frame.widthPx, heightPx: frame.heightPx, data: toRgb(frame) };
    let face: Face | null = last && finder.follow(picture, last);
    if (!face) {
      const faces = await finder.find(picture);
      faceCount = Math.max(faceCount, faces.length);
      face = faces[0] ?? null;
    }
    last = face?.points ?? null;
    seen.push(last);
    const gapStart = seen.findLastIndex((points) => points !== null) + 1;
    if (seen.length - gapStart > MAX_GAP_FRAMES) throw notFound(gapStart);
  }
  if (seen.every((points) => points === null)) throw notFound(0);
  return { points: fillGaps(seen), frameCount: seen.length, faceCount };
}

/** Puts missing landmarks on the straight way between their neighbours; at the ends, where the nearest neighbour is. */
function fillGaps(seen: readonly (Float32Array | null)[]): Float32Array {
  const points = new Float32Array(seen.length * POINT_NUMBERS);
  for (const [frame, own] of seen.entries()) {
    const before = own ? frame : seen.findLastIndex((other, i) => i < frame && other !== null);
    const after = own ? frame : seen.findIndex((other, i) => i > frame && other !== null);
    const from = seen[before] ?? seen[after];
    const to = seen[after] ?? seen[before];
    if (!from || !to) throw new RangeError('a gap needs a neighbour');
    const share = before < 0 || after < 0 || before === after ? 0 : (frame - before) / (after - before);
    for (let i = 0; i < POINT_NUMBERS; i++) points[frame * POINT_NUMBERS + i] = from[i] + share * (to[i] - from[i]);
  }
  return points;
}
