import type { Frame } from '../codecs/frame.ts';
import { clipPictures, firstPicture, type Size } from './clip-reading.ts';
import type { TrackedClip } from './clip-tracking.ts';
import { FACE_POINTS } from './face-landmarks.ts';
import { LivingPhoto } from './living/living-photo.ts';
import { fileFrameAt } from './prepared-files.ts';
import { cutSquare, type Square } from './square-cut.ts';

const POINT_NUMBERS = 2 * FACE_POINTS;

/** A clip as it will be seen. */
export interface ShownClip {
  /** Landmarks of every frame of the loop, in pixels of the avatar's picture. */
  readonly points: Float32Array;
  /** The file's pictures. */
  readonly pictures: () => Iterable<Frame> | AsyncIterable<Frame>;
  /** What the clip was made from, if that was one picture. */
  readonly photo: Frame | null;
}

/** A clip that is shown as it was filmed, cut and scaled. @param shownPx Side of its pictures. */
export function filmedClip(
  { source, track, stretch, frameCount }: TrackedClip,
  size: Size,
  square: Square,
  shownPx: number,
): ShownClip {
  const { firstFrame, fileFrames } = stretch;
  async function* pictures() {
    for await (const read of clipPictures(source.path, size, { first: firstFrame, count: fileFrames })) {
      yield cutSquare(read, square, shownPx);
    }
  }
  const points = new Float32Array(frameCount * POINT_NUMBERS);
  for (let frame = 0; frame < frameCount; frame++) {
    const from = (firstFrame + fileFrameAt({ fileFrames }, frame)) * POINT_NUMBERS;
    points.set(toSquare(track.points.subarray(from, from + POINT_NUMBERS), square, shownPx), frame * POINT_NUMBERS);
  }
  return { points, pictures, photo: null };
}

/** A photo that breathes, sways and blinks. */
export async function livingClip(
  { source, track, frameCount }: TrackedClip,
  size: Size,
  square: Square,
  shownPx: number,
  seed: number,
): Promise<ShownClip> {
  const photo = cutSquare(await firstPicture(source.path, size), square, shownPx);
  const depths = track.depths.map((depth) => (depth * shownPx) / square.sizePx);
  const living = new LivingPhoto(photo, toSquare(track.points, square, shownPx), depths, seed);
  const points = new Float32Array(frameCount * POINT_NUMBERS);
  for (let frame = 0; frame < frameCount; frame++) points.set(living.points(frame), frame * POINT_NUMBERS);
  function* pictures() {
    for (let frame = 0; frame < frameCount; frame++) yield living.picture(frame);
  }
  return { points, pictures, photo };
}

/** Brings landmarks from the source's pixels into those of the avatar's picture. */
function toSquare(points: Float32Array, { x, y, sizePx }: Square, shownPx: number): Float32Array {
  const scale = shownPx / sizePx;
  return points.map((value, i) => (value - (i % 2 === 0 ? x : y)) * scale);
}
