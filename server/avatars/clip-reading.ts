import type { Frame } from '../codecs/frame.ts';
import { type MediaInfo, readPictures } from '../codecs/media-file.ts';
import { CLIP_FRAMES_PER_SECOND } from './prepared-files.ts';

/** Sources are read at their own size up to this; a face is not found better in a larger picture. */
const MAX_READ_SIDE_PX = 1920;

/** In pixels, even. */
export interface Size {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** The source's own size, or less. */
export function readSize({ widthPx, heightPx }: MediaInfo): Size {
  const scale = Math.min(1, MAX_READ_SIDE_PX / Math.max(widthPx, heightPx));
  const even = (px: number) => Math.max(16, 2 * Math.round((px * scale) / 2));
  return { widthPx: even(widthPx), heightPx: even(heightPx) };
}

/** Pictures of a source at the avatar's rate: `count` of them, or as many as there are, from `first` on. */
export async function* clipPictures(
  path: string,
  size: Size,
  { first = 0, count }: { readonly first?: number; readonly count: number },
  onProgress?: (share: number) => void,
): AsyncGenerator<Frame> {
  let index = 0;
  for await (const frame of readPictures(path, { ...size, framesPerSecond: CLIP_FRAMES_PER_SECOND, onProgress })) {
    if (index++ >= first) yield frame;
    if (index === first + count) return;
  }
}

/** The first picture of a source that is known to have one. */
export async function firstPicture(path: string, size: Size): Promise<Frame> {
  for await (const frame of clipPictures(path, size, { count: 1 })) return frame;
  throw new TypeError(`${path} gave no picture where it gave one before`);
}
