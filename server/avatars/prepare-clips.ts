import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Frame } from '../codecs/frame.ts';
import { type MediaInfo, probe } from '../codecs/media-file.ts';
import { toRgb, writePng } from '../codecs/picture.ts';
import { VideoFileWriter } from '../codecs/video-file-writer.ts';
import { AppError } from '../errors.ts';
import { GEOMETRY_SIZE } from './avatar.ts';
import { AvatarRefused, type AvatarReport, type Finding, reportOf } from './avatar-report.ts';
import { clipPictures, readSize, type Size } from './clip-reading.ts';
import { type TrackedClip, trackClip } from './clip-tracking.ts';
import { FaceLandmarks } from './face-landmarks.ts';
import { findingsOf } from './findings/clip-findings.ts';
import { cropLuma, sharpenLipLine } from './lip-line.ts';
import { mouthGeometry } from './mouth-geometry.ts';
import { CLIP_FRAMES_PER_SECOND, fileFrameAt, geometryPath, type PreparedClip } from './prepared-files.ts';
import { filmedClip, livingClip, type ShownClip } from './shown-clip.ts';
import type { SourceClip } from './source-clips.ts';
import { chooseSquare, type Square } from './square-cut.ts';
import { type ThingSeen, thingSeen } from './things-seen.ts';

/** Quality of clips that are written anew: x264's constant rate factor. */
const CRF = 12;
/** That of photos: nothing hides the step from the last picture, which the codec has softened, to the first. */
const PHOTO_CRF = 5;
/** The part of the time that goes into finding the face. */
const TRACKING_SHARE = 0.75;

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
  /** Side of the pictures to make; even. */
  readonly sizePx: number;
  /** A whole number from which the movements of a photo are made. */
  readonly seed: number;
}

export type PreparationStage =
  | 'look at the file'
  | 'load the face models'
  | 'find and measure the face'
  | 'movements and geometry'
  | 'draw and encode';

export interface PreparedClips {
  /** In the order of the job. */
  readonly clips: readonly PreparedClip[];
  readonly faceCount: number;
  readonly report: AvatarReport;
}

/**
 * Makes all that is known about an avatar from its clips: pictures of one size and rate, a portrait, and where the mouth is.
 * Takes 10 ms of computing per frame and 200 MB, so it belongs in a process of its own.
 *
 * @param onProgress Called with 0..1.
 * @param onStage Called after each stage with the time it took.
 * @throws {AvatarRefused} `face_not_found`, `media_unreadable`, `avatar_invalid`; {AppError} `model_missing`.
 */
export async function prepareClips(
  job: PreparationJob,
  onProgress: (share: number) => void,
  onStage: (stage: PreparationStage, ms: number) => void = () => {},
): Promise<PreparedClips> {
  let since = performance.now();
  const done = (stage: PreparationStage) => {
    const now = performance.now();
    onStage(stage, now - since);
    since = now;
  };
  const info = await readable(job, () => probe(job.clips[0].path));
  const size = readSize(info);
  done('look at the file');
  const finder = await FaceLandmarks.open();
  done('load the face models');
  const clips: TrackedClip[] = [];
  for (const [index, source] of job.clips.entries()) {
    const progress = (share: number) => onProgress(((index + share) / job.clips.length) * TRACKING_SHARE);
    const tracked = () => trackClip(job, source, size, finder, progress);
    clips.push(await faceless(() => readable(job, tracked), source, size));
  }
  done('find and measure the face');
  const report = reportOf(clips.flatMap(({ measures }) => findingsOf(measures)));
  if (report.level === 'refused') throw refused(job, report);
  const square = chooseSquare(size.widthPx, size.heightPx, clips[0].track.points);
  const shown: ShownClip[] = [];
  for (const clip of clips) {
    const isPhoto = clip.info.kind === 'picture';
    shown.push(
      isPhoto ? await livingClip(clip, size, square, job.sizePx, job.seed) : filmedClip(clip, size, square, job.sizePx),
    );
  }
  const geometry = mouthGeometry(
    shown.map(({ points }) => points),
    job.bboxShiftPx * (size.widthPx / info.widthPx) * (job.sizePx / square.sizePx),
  );
  done('movements and geometry');
  const prepared = clips.map((clip) => preparedClip(job, clip, square));
  for (const [index, clip] of prepared.entries()) {
    const written = (share: number) => TRACKING_SHARE + ((index + share) / clips.length) * (1 - TRACKING_SHARE);
    await writeClip(job, clip, shown[index], geometry[index], (share) => onProgress(written(share)));
  }
  done('draw and encode');
  onProgress(1);
  return { clips: prepared, faceCount: Math.max(...clips.map(({ track }) => track.faceCount)), report };
}

/** Makes a report of what is wrong with a file. */
async function readable<T>({ avatarId }: PreparationJob, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const isTold = error instanceof AvatarRefused || !(error instanceof AppError);
    if (isTold || error.code !== 'media_unreadable') throw error;
    const found = `The file cannot be used: ${error.message.replace(/^.* found: /s, '')}.`;
    const advice = 'Use a photo (PNG, JPEG, WebP) or a video (MP4, MOV, WebM, GIF) that plays elsewhere.';
    const finding = { subject: 'file', level: 'refused', clip: null, frame: null, value: null, found, advice } as const;
    const message = `Avatar ${avatarId}: ${error.message}`;
    throw new AvatarRefused(error.code, message, reportOf([finding]), { cause: error });
  }
}

/** Says of a clip that shows no face what it shows instead. */
async function faceless<T>(track: () => Promise<T>, { path }: SourceClip, size: Size): Promise<T> {
  try {
    return await track();
  } catch (error) {
    if (!(error instanceof AvatarRefused) || error.code !== 'face_not_found') throw error;
    const [finding] = error.report.findings;
    for await (const frame of clipPictures(path, size, { first: finding.frame ?? 0, count: 1 })) {
      const seen = await thingSeen({ ...size, data: toRgb(frame) });
      throw new AvatarRefused(error.code, error.message, reportOf([{ ...finding, ...told(seen, finding) }]), {
        cause: error,
      });
    }
    throw error;
  }
}

/** In people's words. */
function told(seen: ThingSeen, { found, advice }: Finding): Pick<Finding, 'found' | 'advice'> {
  switch (seen) {
    case 'animal':
      return {
        found: `${found} It seems to be an animal.`,
        advice: 'Avatars are made of people: use a picture of one.',
      };
    case 'person':
      return {
        found: `${found} There is a person, whose face is turned away, covered or too small.`,
        advice: 'Use a picture in which the person looks into the camera, near enough, with nothing before the face.',
      };
    case 'nothing':
      return { found: `${found} There seems to be nobody.`, advice };
  }
}

function refused({ avatarId }: PreparationJob, report: AvatarReport): AvatarRefused {
  const reasons = report.findings.filter(({ level }) => level === 'refused');
  const told = reasons.map(({ clip, frame, found, advice }) => `${clip}, frame ${frame}: ${found} ${advice}`);
  return new AvatarRefused('avatar_invalid', `Avatar ${avatarId}: ${told.join(' ')}`, report);
}

function preparedClip({ finalFolder, sizePx }: PreparationJob, clip: TrackedClip, square: Square): PreparedClip {
  const { source, info, stretch, frameCount } = clip;
  const isWhole = square.x === 0 && square.y === 0 && square.sizePx === sizePx && stretch.firstFrame === 0;
  return {
    name: source.name,
    file: isWhole && isPrepared(info, sizePx) ? relative(finalFolder, source.path) : `${source.name}.mp4`,
    fileFrames: stretch.fileFrames,
    isMirrored: stretch.isMirrored,
    frameCount,
  };
}

/** Whether a source can be used as it is. */
function isPrepared({ kind, codec, widthPx, heightPx, framesPerSecond }: MediaInfo, sizePx: number): boolean {
  return (
    kind === 'video' &&
    codec === 'h264' &&
    widthPx === sizePx &&
    heightPx === sizePx &&
    Math.abs((framesPerSecond ?? 0) - CLIP_FRAMES_PER_SECOND) < 0.01
  );
}

/** Writes a clip's pictures, unless the source has them as they are wanted, its portrait and its geometry. */
async function writeClip(
  job: PreparationJob,
  clip: PreparedClip,
  shown: ShownClip,
  geometry: Float32Array,
  onProgress: (share: number) => void,
): Promise<void> {
  const luma: Uint8Array[] = [];
  async function* pictures() {
    for await (const frame of shown.pictures()) {
      if (luma.length === 0 && clip.name === 'idle_0') {
        await writePng(join(job.folder, 'portrait.png'), shown.photo ?? frame);
      }
      luma.push(frame.data.slice(0, job.sizePx * job.sizePx));
      yield frame;
      onProgress(luma.length / clip.fileFrames);
    }
  }
  if (clip.file === `${clip.name}.mp4`)
    await writePictures(join(job.folder, clip.file), pictures(), job.sizePx, shown.photo ? PHOTO_CRF : CRF);
  else for await (const _ of pictures());
  sharpenLipLine(geometry, (index) => {
    const [a, b, tx, ty] = geometry.subarray(index * GEOMETRY_SIZE);
    return cropLuma(luma[fileFrameAt(clip, index)], job.sizePx, job.sizePx, { a, b, tx, ty });
  });
  const { buffer, byteOffset, byteLength } = geometry;
  await writeFile(geometryPath(job.folder, clip.name), new Uint8Array(buffer, byteOffset, byteLength));
}

/** Writes a film; the next picture is made while one is encoded. */
async function writePictures(path: string, pictures: AsyncIterable<Frame>, sizePx: number, crf: number): Promise<void> {
  const format = { widthPx: sizePx, heightPx: sizePx, framesPerSecond: CLIP_FRAMES_PER_SECOND, crf, isFrugal: true };
  const writer = await VideoFileWriter.open(path, format);
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
