import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { Frame as AvFrame } from 'node-av/lib';
import { AppError } from '../errors.ts';
import { assertFrameSize } from './ffmpeg.ts';
import type { Frame } from './frame.ts';
import { MAX_MEDIA_SECONDS, MediaInput, unreadable } from './media-input.ts';
import { NearestFrames } from './nearest-frames.ts';
import { displaySize, PictureFitter } from './picture-fitter.ts';

/** What counts as a picture in a folder. */
const PICTURE_EXTENSIONS = new Set(['.png', '.jpg', '.jpeg', '.webp', '.bmp']);

export interface ReadOptions {
  /** Wanted size: even, 16 to 4096. Pictures are scaled to cover it and cut in the middle. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** Wanted rate; the picture nearest in time is taken. A folder has one picture per frame, whatever the rate. */
  readonly framesPerSecond: number;
  readonly signal?: AbortSignal;
  /** Called after each picture with the share of the file that is read, 0..1; not called where that is unknown. */
  readonly onProgress?: (share: number) => void;
}

export interface MediaInfo {
  /** `folder`: a folder of pictures. */
  readonly kind: 'video' | 'picture' | 'folder';
  /** As it is meant to be seen, upright. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** As the file claims; null for pictures and folders, and where it claims nothing. */
  readonly framesPerSecond: number | null;
  readonly durationSeconds: number | null;
  /** FFmpeg's name of the codec of its pictures, `h264`; of the first one in a folder. */
  readonly codec: string;
}

/**
 * Reads a video, a picture (one frame), or a folder of pictures in natural order, as BT.709 limited I420. Turned and
 * full-range sources are set right, HDR is brought into the standard range; transparent parts become grey. Nothing of it runs long on the main thread.
 *
 * @param path Of a file of at most 120 s and 4096 px a side, or of a folder of such pictures.
 * @returns New frames, which may be the same object where a picture is shown longer. Reading stops when iteration does.
 * @throws {AppError} `media_unreadable` if the path cannot be read as that; {RangeError} for a wanted size out of range;
 *   the signal's reason when it is aborted.
 */
export async function* readPictures(path: string, options: ReadOptions): AsyncGenerator<Frame> {
  assertFrameSize(options.widthPx, options.heightPx);
  const files = await picturesInFolder(path);
  if (!files) {
    yield* readFile(path, options);
    return;
  }
  const maxFiles = MAX_MEDIA_SECONDS * options.framesPerSecond;
  if (files.length > maxFiles)
    throw unreadable(path, `a folder of ${files.length} pictures, at most ${maxFiles} are read`);
  for (const [i, file] of files.entries()) {
    for await (const frame of readFile(file, { ...options, onProgress: undefined })) {
      options.onProgress?.((i + 1) / files.length);
      yield frame;
      break;
    }
  }
}

/**
 * Decodes the first pictures of what `readPictures` would read.
 *
 * @throws {AppError} `media_unreadable` if there are none.
 */
export async function probe(path: string): Promise<MediaInfo> {
  const files = await picturesInFolder(path);
  const input = await MediaInput.open(files ? files[0] : path);
  try {
    let size: { widthPx: number; heightPx: number } | null = null;
    let kind: MediaInfo['kind'] = files ? 'folder' : 'picture';
    for await (const { picture } of input.pictures()) {
      if (size) {
        if (!files) kind = 'video';
        break;
      }
      size = displaySize(picture);
    }
    if (!size) throw unreadable(path, 'none of its pictures can be decoded');
    const isVideo = kind === 'video';
    return {
      kind,
      ...size,
      framesPerSecond: isVideo ? input.framesPerSecond : null,
      durationSeconds: isVideo ? input.durationSeconds : null,
      codec: input.codec,
    };
  } finally {
    await input.close();
  }
}

/** @returns Paths of the pictures in a folder, in natural order; null if `path` is no folder. */
async function picturesInFolder(path: string): Promise<string[] | null> {
  const entry = await stat(path).catch(() => null);
  if (!entry?.isDirectory()) return null;
  const { compare } = new Intl.Collator('en', { numeric: true });
  const names = (await readdir(path))
    .filter((name) => !name.startsWith('.') && PICTURE_EXTENSIONS.has(extname(name).toLowerCase()))
    .sort(compare);
  if (names.length === 0) throw unreadable(path, 'a folder without pictures');
  return names.map((name) => join(path, name));
}

async function* readFile(path: string, options: ReadOptions): AsyncGenerator<Frame> {
  options.signal?.throwIfAborted();
  const input = await MediaInput.open(path);
  const fitter = new PictureFitter(options.widthPx, options.heightPx);
  const timing = new NearestFrames(options.framesPerSecond);
  // The picture last decoded; it is only converted once it is known to be shown.
  let held = new AvFrame();
  held.alloc();
  let pictures = 0;
  try {
    for await (const { picture, seconds } of input.pictures()) {
      options.signal?.throwIfAborted();
      const times = timing.next(seconds);
      if (pictures++ > 0 && times > 0) yield* repeat(await fitter.fit(held), times);
      held.free();
      held = picture.clone() ?? new AvFrame();
      if (input.durationSeconds) options.onProgress?.(Math.min(1, timing.lengthSeconds / input.durationSeconds));
    }
    if (pictures === 0) throw unreadable(path, 'none of its pictures can be decoded');
    const times = pictures === 1 ? 1 : timing.end();
    if (times > 0) yield* repeat(await fitter.fit(held), times);
    options.onProgress?.(1);
  } catch (error) {
    if (error instanceof AppError && error.code === 'codec_failed') throw unreadable(path, error.message, error);
    throw error;
  } finally {
    fitter.close();
    held.free();
    await input.close();
  }
}

function* repeat(frame: Frame, times: number): Generator<Frame> {
  for (let i = 0; i < times; i++) yield frame;
}
