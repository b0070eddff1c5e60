import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Frame } from '../codecs/frame.ts';
import { type MediaInfo, probe, readPictures } from '../codecs/media-file.ts';
import { writePng } from '../codecs/picture.ts';
import { writeVideo } from '../codecs/video-file-writer.ts';
import { AppError } from '../errors.ts';
import { GEOMETRY_SIZE } from './avatar.ts';
import { type AvatarReport, type Finding, reportOf } from './avatar-report.ts';
import { FACE_POINTS, FaceLandmarks } from './face-landmarks.ts';
import { type FaceFinder, type FaceTrack, trackFace } from './face-track.ts';
import { cropLuma, sharpenLipLine } from './lip-line.ts';
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
  const scale = AVATAR_SIZE_PX / square.sizePx;
  const geometry = mouthGeometry(
    clips.map((clip) => loopPoints(clip, square, scale)),
    job.bboxShiftPx * (size.widthPx / info.widthPx) * scale,
  );
  for (const [index, clip] of clips.entries()) {
    await writeClip(job, clip, size, square, geometry[index]);
    onProgress(TRACKING_SHARE + ((index + 1) / clips.length) * (1 - TRACKING_SHARE));
  }
  const faceCount = Math.max(...clips.map(({ track }) => track.faceCount));
  return {
    clips: clips.map(({ source, track, ...prepared }) => prepared),
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
  const isLoop = track.frameCount <= MAX_LOOP_FRAMES && closesLoop(glimpses);
  const fileFrames = isLoop ? track.frameCount : Math.min(track.frameCount, MAX_MIRRORED_FRAMES);
  return {
    name: source.name,
    source,
    track,
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

/** Writes a clip's pictures, unless the source has them as they are wanted, its portrait and its geometry. */
async function writeClip(
  job: PreparationJob,
  clip: TrackedClip,
  size: Size,
  square: Square,
  geometry: Float32Array,
): Promise<void> {
  const luma: Uint8Array[] = [];
  async function* pictures() {
    for await (const read of firstPictures(clip.source.path, size, clip.fileFrames)) {
      const frame = cutSquare(read, square, AVATAR_SIZE_PX);
      if (luma.length === 0 && clip.name === 'idle_0') await writePng(join(job.folder, 'portrait.png'), frame);
      luma.push(frame.data.slice(0, AVATAR_SIZE_PX * AVATAR_SIZE_PX));
      yield frame;
    }
  }
  if (clip.file === `${clip.name}.mp4`) {
    const format = {
      widthPx: AVATAR_SIZE_PX,
      heightPx: AVATAR_SIZE_PX,
      framesPerSecond: CLIP_FRAMES_PER_SECOND,
      crf: CRF,
    };
    await writeVideo(join(job.folder, clip.file), format, pictures());
  } else {
    for await (const _ of pictures());
  }
  sharpenLipLine(geometry, (index) => {
    const [a, b, tx, ty] = geometry.subarray(index * GEOMETRY_SIZE);
    return cropLuma(luma[fileFrameAt(clip, index)], AVATAR_SIZE_PX, AVATAR_SIZE_PX, { a, b, tx, ty });
  });
  const { buffer, byteOffset, byteLength } = geometry;
  await writeFile(geometryPath(job.folder, clip.name), new Uint8Array(buffer, byteOffset, byteLength));
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

/** Landmarks of every frame of the loop, in pixels of the avatar's picture. */
function loopPoints({ track, frameCount, fileFrames }: TrackedClip, square: Square, scale: number): Float32Array {
  const points = new Float32Array(frameCount * POINT_NUMBERS);
  for (let frame = 0; frame < frameCount; frame++) {
    const from = fileFrameAt({ fileFrames }, frame) * POINT_NUMBERS;
    for (let i = 0; i < POINT_NUMBERS; i += 2) {
      points[frame * POINT_NUMBERS + i] = (track.points[from + i] - square.x) * scale;
      points[frame * POINT_NUMBERS + i + 1] = (track.points[from + i + 1] - square.y) * scale;
    }
  }
  return points;
}

function faceNotFound({ avatarId, bboxShiftPx }: PreparationJob, { name, path }: SourceClip, frame: number): AppError {
  const seconds = (frame / CLIP_FRAMES_PER_SECOND).toFixed(2);
  return new AppError(
    'face_not_found',
    `Avatar ${avatarId}: no face found in ${name}, frame ${frame} (${seconds} s) of ${path}. Check the path, bbox_shift (${bboxShiftPx}) and that a face is clearly visible from the front in every frame.`,
  );
}
