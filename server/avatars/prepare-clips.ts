import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Frame } from '../codecs/frame.ts';
import { type MediaInfo, probe, readPictures } from '../codecs/media-file.ts';
import { writePng } from '../codecs/picture.ts';
import { VideoFileWriter } from '../codecs/video-file-writer.ts';
import { AppError } from '../errors.ts';
import { GEOMETRY_SIZE } from './avatar.ts';
import { type AvatarReport, type Finding, reportOf } from './avatar-report.ts';
import { FACE_POINTS, FaceLandmarks } from './face-landmarks.ts';
import { type FaceFinder, type FaceTrack, trackFace } from './face-track.ts';
import { cropLuma, sharpenLipLine } from './lip-line.ts';
import { IDLE_FRAMES } from './living/idle-motion.ts';
import { LivingPhoto } from './living/living-photo.ts';
import { closesLoop, glimpse } from './loop-closure.ts';
import { mouthGeometry } from './mouth-geometry.ts';
import {
  AVATAR_SIZE_PX,
  CLIP_FRAMES_PER_SECOND,
  fileFrameAt,
  geometryPath,
  type PreparedClip,
} from './prepared-files.ts';
import type { SourceClip } from './source-clips.ts';
import { chooseSquare, cutSquare, type Square } from './square-cut.ts';

/** Sources are read at their own size up to this; a face is not found better in a larger picture. */
const MAX_READ_SIDE_PX = 1920;
/** Longest loop: 10 s, which take 98 MB of memory. */
const MAX_LOOP_FRAMES = 250;
/** Pictures of a mirrored loop of that length. */
const MAX_MIRRORED_FRAMES = MAX_LOOP_FRAMES / 2 + 1;
/** Quality of clips that are written anew: x264's constant rate factor. */
const CRF = 12;
/** That of photos: nothing hides the step from the last picture, which the codec has softened, to the first. */
const PHOTO_CRF = 5;
/** The part of the time that goes into finding the face. */
const TRACKING_SHARE = 0.75;
const POINT_NUMBERS = 2 * FACE_POINTS;

/** What is to be prepared; can be sent to another process. */
export interface PreparationJob {
  readonly avatarId: string;
  /** `idle_0` first. */
  readonly clips: readonly SourceClip[];
  /** In pixels of the source. */
  readonly bboxShiftPx: number;
  /** Existing empty folder that the results go to. */
  readonly folder: string;
  /** Where that folder will be in the end; paths in the result are relative to it. */
  readonly finalFolder: string;
  /** A whole number from which the movements of a photo are made. */
  readonly seed: number;
}

export interface PreparedClips {
  /** In the order of the job. */
  readonly clips: readonly PreparedClip[];
  readonly faceCount: number;
  readonly report: AvatarReport;
}

interface Size {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** A clip with its face, as far as it will be used. */
interface TrackedClip extends PreparedClip {
  readonly source: SourceClip;
  readonly track: FaceTrack;
  /** Whether it is one picture, which is brought to life. */
  readonly isPhoto: boolean;
}

/** A clip as it will be seen. */
interface ShownClip {
  /** Landmarks of every frame of the loop, in pixels of the avatar's picture. */
  readonly points: Float32Array;
  /** The file's pictures. */
  readonly pictures: () => Iterable<Frame> | AsyncIterable<Frame>;
  readonly portrait: Frame | null;
}

/**
 * Makes all that is known about an avatar from its clips: pictures of one size and rate, a portrait, and where the mouth is.
 * Takes 10 ms of computing per frame and 200 MB, so it belongs in a process of its own.
 *
 * @param onProgress Called with 0..1.
 * @throws {AppError} `face_not_found`, `media_unreadable`, `model_missing`.
 */
export async function prepareClips(job: PreparationJob, onProgress: (share: number) => void): Promise<PreparedClips> {
  const finder = await FaceLandmarks.open();
  const info = await probe(job.clips[0].path);
  const size = readSize(info);
  const clips: TrackedClip[] = [];
  for (const [index, source] of job.clips.entries()) {
    const progress = (share: number) => onProgress(((index + share) / job.clips.length) * TRACKING_SHARE);
    clips.push(await trackClip(job, source, size, finder, progress));
  }
  const square = chooseSquare(size.widthPx, size.heightPx, clips[0].track.points);
  const shown: ShownClip[] = [];
  for (const clip of clips)
    shown.push(clip.isPhoto ? await livingClip(job, clip, size, square) : filmedClip(clip, size, square));
  const geometry = mouthGeometry(
    shown.map(({ points }) => points),
    job.bboxShiftPx * (size.widthPx / info.widthPx) * (AVATAR_SIZE_PX / square.sizePx),
  );
  for (const [index, clip] of clips.entries()) {
    const progress = (share: number) =>
      onProgress(TRACKING_SHARE + ((index + share) / clips.length) * (1 - TRACKING_SHARE));
    await writeClip(job, clip, shown[index], geometry[index], progress);
  }
  onProgress(1);
  const faceCount = Math.max(...clips.map(({ track }) => track.faceCount));
  return {
    clips: clips.map(({ source, track, isPhoto, ...prepared }) => prepared),
    faceCount,
    report: reportOf([facesFound(faceCount)]),
  };
}

function facesFound(count: number): Finding {
  const about = { subject: 'faces', clip: null, frame: null, value: count } as const;
  if (count === 1) return { ...about, level: 'ok', found: 'One face.', advice: null };
  return {
    ...about,
    level: 'advice',
    found: `${count} faces; the largest was taken.`,
    advice: 'Cut the picture so that only one person is seen.',
  };
}

/** The source's own size, or less, even. */
function readSize({ widthPx, heightPx }: MediaInfo): Size {
  const scale = Math.min(1, MAX_READ_SIDE_PX / Math.max(widthPx, heightPx));
  const even = (px: number) => Math.max(16, 2 * Math.round((px * scale) / 2));
  return { widthPx: even(widthPx), heightPx: even(heightPx) };
}

/** Follows the face and decides how the clip becomes a loop. */
async function trackClip(
  job: PreparationJob,
  source: SourceClip,
  size: Size,
  finder: FaceFinder,
  onProgress: (share: number) => void,
): Promise<TrackedClip> {
  const glimpses: Uint8Array[] = [];
  async function* pictures() {
    for await (const frame of firstPictures(source.path, size, MAX_LOOP_FRAMES + 1, onProgress)) {
      glimpses.push(glimpse(frame));
      yield frame;
    }
  }
  const track = await trackFace(pictures(), finder, (frame) => faceNotFound(job, source, frame));
  const { kind } = await probe(source.path);
  if (kind === 'picture') {
    const file = `${source.name}.mp4`;
    const whole = { file, fileFrames: IDLE_FRAMES, frameCount: IDLE_FRAMES, isMirrored: false };
    return { name: source.name, source, track, isPhoto: true, ...whole };
  }
  const isLoop = track.frameCount <= MAX_LOOP_FRAMES && closesLoop(glimpses);
  const fileFrames = isLoop ? track.frameCount : Math.min(track.frameCount, MAX_MIRRORED_FRAMES);
  return {
    name: source.name,
    source,
    track,
    isPhoto: false,
    file: (await isPrepared(source.path)) ? relative(job.finalFolder, source.path) : `${source.name}.mp4`,
    fileFrames,
    isMirrored: !isLoop,
    frameCount: isLoop ? fileFrames : 2 * fileFrames - 2,
  };
}

/** Whether a source can be used as it is. */
async function isPrepared(path: string): Promise<boolean> {
  const { kind, widthPx, heightPx, framesPerSecond } = await probe(path);
  return (
    kind === 'video' &&
    widthPx === AVATAR_SIZE_PX &&
    heightPx === AVATAR_SIZE_PX &&
    Math.abs((framesPerSecond ?? 0) - CLIP_FRAMES_PER_SECOND) < 0.01
  );
}

/** A clip that is shown as it was filmed, cut and scaled. */
function filmedClip(clip: TrackedClip, size: Size, square: Square): ShownClip {
  async function* pictures() {
    for await (const read of firstPictures(clip.source.path, size, clip.fileFrames)) {
      yield cutSquare(read, square, AVATAR_SIZE_PX);
    }
  }
  const points = new Float32Array(clip.frameCount * POINT_NUMBERS);
  for (let frame = 0; frame < clip.frameCount; frame++) {
    const from = fileFrameAt(clip, frame) * POINT_NUMBERS;
    points.set(toSquare(clip.track.points.subarray(from, from + POINT_NUMBERS), square), frame * POINT_NUMBERS);
  }
  return { points, pictures, portrait: null };
}

/** A photo that breathes, sways and blinks. */
async function livingClip({ seed }: PreparationJob, clip: TrackedClip, size: Size, square: Square): Promise<ShownClip> {
  const { track, source, frameCount } = clip;
  const photo = cutSquare(await firstPicture(source.path, size), square, AVATAR_SIZE_PX);
  const depths = track.depths.map((depth) => (depth * AVATAR_SIZE_PX) / square.sizePx);
  const living = new LivingPhoto(photo, toSquare(track.points, square), depths, seed);
  const points = new Float32Array(frameCount * POINT_NUMBERS);
  for (let frame = 0; frame < frameCount; frame++) points.set(living.points(frame), frame * POINT_NUMBERS);
  function* pictures() {
    for (let frame = 0; frame < frameCount; frame++) yield living.picture(frame);
  }
  return { points, pictures, portrait: photo };
}

/** Writes a clip's pictures, unless the source has them as they are wanted, its portrait and its geometry. */
async function writeClip(
  job: PreparationJob,
  clip: TrackedClip,
  shown: ShownClip,
  geometry: Float32Array,
  onProgress: (share: number) => void,
): Promise<void> {
  const luma: Uint8Array[] = [];
  async function* pictures() {
    for await (const frame of shown.pictures()) {
      if (luma.length === 0 && clip.name === 'idle_0') {
        await writePng(join(job.folder, 'portrait.png'), shown.portrait ?? frame);
      }
      luma.push(frame.data.slice(0, AVATAR_SIZE_PX * AVATAR_SIZE_PX));
      yield frame;
      onProgress(luma.length / clip.fileFrames);
    }
  }
  if (clip.file === `${clip.name}.mp4`)
    await writePictures(join(job.folder, clip.file), pictures(), clip.isPhoto ? PHOTO_CRF : CRF);
  else for await (const _ of pictures());
  sharpenLipLine(geometry, (index) => {
    const [a, b, tx, ty] = geometry.subarray(index * GEOMETRY_SIZE);
    return cropLuma(luma[fileFrameAt(clip, index)], AVATAR_SIZE_PX, AVATAR_SIZE_PX, { a, b, tx, ty });
  });
  const { buffer, byteOffset, byteLength } = geometry;
  await writeFile(geometryPath(job.folder, clip.name), new Uint8Array(buffer, byteOffset, byteLength));
}

/** Writes a film; the next picture is made while one is encoded. */
async function writePictures(path: string, pictures: AsyncIterable<Frame>, crf: number): Promise<void> {
  const [sizePx, framesPerSecond] = [AVATAR_SIZE_PX, CLIP_FRAMES_PER_SECOND];
  const writer = await VideoFileWriter.open(path, { widthPx: sizePx, heightPx: sizePx, framesPerSecond, crf });
  let written: Promise<void> = Promise.resolve();
  try {
    for await (const frame of pictures) {
      await written;
      written = writer.writeFrame(frame);
    }
    await written;
    await writer.close();
  } catch (error) {
    await written.catch(() => {});
    await writer.abort();
    throw error;
  }
}

async function firstPicture(path: string, size: Size): Promise<Frame> {
  for await (const frame of firstPictures(path, size, 1)) return frame;
  throw new TypeError(`${path} gave no picture where it gave one before`);
}

async function* firstPictures(
  path: string,
  size: Size,
  count: number,
  onProgress?: (share: number) => void,
): AsyncGenerator<Frame> {
  let left = count;
  for await (const frame of readPictures(path, { ...size, framesPerSecond: CLIP_FRAMES_PER_SECOND, onProgress })) {
    yield frame;
    if (--left === 0) return;
  }
}

/** Brings landmarks from the source's pixels into those of the avatar's picture. */
function toSquare(points: Float32Array, { x, y, sizePx }: Square): Float32Array {
  const scale = AVATAR_SIZE_PX / sizePx;
  return points.map((value, i) => (value - (i % 2 === 0 ? x : y)) * scale);
}

function faceNotFound({ avatarId, bboxShiftPx }: PreparationJob, { name, path }: SourceClip, frame: number): AppError {
  const seconds = (frame / CLIP_FRAMES_PER_SECOND).toFixed(2);
  return new AppError(
    'face_not_found',
    `Avatar ${avatarId}: no face found in ${name}, frame ${frame} (${seconds} s) of ${path}. Check the path, bbox_shift (${bboxShiftPx}) and that a face is clearly visible from the front in every frame.`,
  );
}
