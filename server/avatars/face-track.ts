import type { Frame } from '../codecs/frame.ts';
import { toRgb } from '../codecs/picture.ts';
import type { Face, FaceLandmarks } from './face-landmarks.ts';
import { faceHeight } from './findings/face-measures.ts';

/** So many frames in a row may lack a face: a passing hand, one blurred picture. */
const MAX_GAP_FRAMES = 5;

/** The largest face of a clip, frame by frame. */
export interface FaceTrack {
  /** `frameCount × FACE_POINTS × (x, y)` in frame pixels. */
  readonly points: Float32Array;
  /** `frameCount × FACE_POINTS`, see `Face`. */
  readonly depths: Float32Array;
  /** Frames in which no face was seen, in order. */
  readonly missing: readonly number[];
  /** First frame from which on the face is gone for too long, and nothing more is told; null if it is there to the end. */
  readonly lostAt: number | null;
  readonly frameCount: number;
  /** Most faces seen at once, where faces were looked for: in the first frame and wherever the face was lost. */
  readonly faceCount: number;
  /** How large the second largest face of the first frame with faces is, as a share of the largest; 0 if there is none. */
  readonly rival: number;
}

export interface TrackOptions {
  /** So many frames before a gap are worth having without those after it. */
  readonly minUsefulFrames: number;
  /** Makes the error for a gap of more than {@link MAX_GAP_FRAMES} frames that begins at a frame. */
  readonly notFound: (frameIndex: number) => Error;
  /** Called with every frame that shows the face. */
  readonly onFace?: (frame: Frame, face: Face) => void;
}

/** What is needed of `FaceLandmarks` to follow a face. */
export type FaceFinder = Pick<FaceLandmarks, 'find' | 'follow'>;

/**
 * Follows the largest face through a clip. Where it is missing in a few frames, its landmarks are put between those before
 * and after.
 *
 * @param frames At least one.
 */
export async function trackFace(
  frames: AsyncIterable<Frame>,
  finder: FaceFinder,
  { minUsefulFrames, notFound, onFace }: TrackOptions,
): Promise<FaceTrack> {
  const seen: (Face | null)[] = [];
  let last: Face | null = null;
  let faceCount = 0;
  let rival: number | null = null;
  let lostAt: number | null = null;
  for await (const frame of frames) {
    const picture = { widthPx: frame.widthPx, heightPx: frame.heightPx, data: toRgb(frame) };
    let face: Face | null = last && finder.follow(picture, last.points);
    if (!face) {
      const faces = await finder.find(picture);
      faceCount = Math.max(faceCount, faces.length);
      face = faces[0] ?? null;
      if (face) rival ??= faces.length > 1 ? faceHeight(faces[1].points) / faceHeight(face.points) : 0;
    }
    last = face;
    seen.push(face);
    if (face) onFace?.(frame, face);
    const gapStart = seen.findLastIndex((each) => each !== null) + 1;
    if (seen.length - gapStart <= MAX_GAP_FRAMES) continue;
    if (gapStart < minUsefulFrames) throw notFound(gapStart);
    lostAt = gapStart;
    seen.length = gapStart;
    break;
  }
  if (seen.every((face) => face === null)) throw notFound(0);
  return {
    points: fillGaps(seen.map((face) => face?.points ?? null)),
    depths: fillGaps(seen.map((face) => face?.depths ?? null)),
    missing: seen.flatMap((face, frame) => (face ? [] : [frame])),
    lostAt,
    frameCount: seen.length,
    faceCount,
    rival: rival ?? 0,
  };
}

/** Puts missing numbers on the straight way between their neighbours; at the ends, where the nearest neighbour is. */
function fillGaps(seen: readonly (Float32Array | null)[]): Float32Array {
  const width = seen.find((numbers) => numbers !== null)?.length ?? 0;
  const filled = new Float32Array(seen.length * width);
  for (const [frame, own] of seen.entries()) {
    const before = own ? frame : seen.findLastIndex((other, i) => i < frame && other !== null);
    const after = own ? frame : seen.findIndex((other, i) => i > frame && other !== null);
    const from = seen[before] ?? seen[after];
    const to = seen[after] ?? seen[before];
    if (!from || !to) throw new RangeError('a gap needs a neighbour');
    const share = before < 0 || after < 0 || before === after ? 0 : (frame - before) / (after - before);
    for (let i = 0; i < width; i++) filled[frame * width + i] = from[i] + share * (to[i] - from[i]);
  }
  return filled;
}
