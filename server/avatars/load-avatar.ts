import { join, resolve } from 'node:path';
import { frameSizeBytes } from '../codecs/frame.ts';
import { readPictures } from '../codecs/media-file.ts';
import { AppError } from '../errors.ts';
import type { Avatar, AvatarClip, StoredClip } from './avatar.ts';
import { CLIP_FRAMES_PER_SECOND, fileFrameAt, type Manifest, readGeometry } from './prepared-files.ts';
import type { AvatarEntry } from './source-clips.ts';

/** `idle`: what every session shows. `all`: also what is played on demand; doubles the memory of the demo avatars. */
export type ClipChoice = 'idle' | 'all';

/** What {@link loadAvatar} will take, in bytes. */
export function sizeInMemory({ clips, sizePx }: Manifest, choice: ClipChoice): number {
  const frames = clips
    .filter(({ name }) => isChosen(name, choice))
    .reduce((sum, { frameCount }) => sum + frameCount, 0);
  return frames * frameSizeBytes(sizePx, sizePx);
}

function isChosen(clipName: string, choice: ClipChoice): boolean {
  return choice === 'all' || clipName.startsWith('idle_');
}

/**
 * Loads prepared data into shared memory: 0.4 MB per frame.
 *
 * @param folder That of the manifest.
 * @throws {AppError} `avatar_invalid` if the data is not what the manifest says; `media_unreadable`.
 */
export async function loadAvatar(
  { id, name, videoPath, audioClips }: AvatarEntry,
  folder: string,
  manifest: Manifest,
  choice: ClipChoice,
): Promise<Avatar> {
  const stored = manifest.clips.map(({ name, frameCount, fileFrames, file }) => {
    return { name, frameCount, fileFrames, folder, file, sizePx: manifest.sizePx };
  });
  const clips: AvatarClip[] = [];
  for (const clip of stored) if (isChosen(clip.name, choice)) clips.push(await loadStoredClip(clip));
  return {
    id,
    name,
    folder,
    widthPx: manifest.sizePx,
    heightPx: manifest.sizePx,
    clips,
    storedClips: stored.filter(({ name }) => !isChosen(name, choice)),
    audioClips,
    videoPath,
    portraitPath: resolve(folder, manifest.portrait),
  };
}

/**
 * Brings a clip into shared memory: 0.4 MB and some 3 ms of computing per frame.
 *
 * @throws {AppError} `avatar_invalid` if the files are not what the manifest said; `media_unreadable`.
 */
export async function loadStoredClip(clip: StoredClip): Promise<AvatarClip> {
  const { folder, sizePx } = clip;
  const path = join(folder, clip.file);
  const size = { widthPx: sizePx, heightPx: sizePx };
  const sizeBytes = frameSizeBytes(sizePx, sizePx);
  const frames = new SharedArrayBuffer(clip.frameCount * sizeBytes);
  const bytes = new Uint8Array(frames);
  let read = 0;
  for await (const frame of readPictures(path, { ...size, framesPerSecond: CLIP_FRAMES_PER_SECOND })) {
    bytes.set(frame.data, read * sizeBytes);
    if (++read === clip.fileFrames) break;
  }
  if (read !== clip.fileFrames) {
    throw new AppError(
      'avatar_invalid',
      `${path} should have ${clip.fileFrames} frames, found ${read}. Delete ${folder}; it is prepared again at the next start.`,
    );
  }
  for (let index = clip.fileFrames; index < clip.frameCount; index++) {
    const from = fileFrameAt(clip, index) * sizeBytes;
    bytes.copyWithin(index * sizeBytes, from, from + sizeBytes);
  }
  return { name: clip.name, frameCount: clip.frameCount, frames, geometry: await readGeometry(folder, clip) };
}
