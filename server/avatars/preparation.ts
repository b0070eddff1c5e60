import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { AppError } from '../errors.ts';
import type { FromPreparation } from './preparation-process.ts';
import type { PreparationJob, PreparedClips } from './prepare-clips.ts';
import {
  AVATAR_SIZE_PX,
  CLIP_FRAMES_PER_SECOND,
  type Manifest,
  PREPARATION_VERSION,
  readManifest,
} from './prepared-files.ts';
import { type AvatarEntry, checksumOf, ownPortrait, sourceClips } from './source-clips.ts';

/** Where an avatar's prepared data lies: `<preparedFolder>/<id>/prepared`. */
export function preparedPath(preparedFolder: string, id: string): string {
  return join(preparedFolder, id, 'prepared');
}

/**
 * Makes sure that an avatar's prepared data is there and belongs to its source and settings. What exists stays in use until
 * the new data is complete; then it is replaced at once.
 *
 * @param preparedFolder Absolute; see {@link preparedPath}.
 * @param onProgress Called with 0..1 while something is prepared, never if nothing is to do.
 * @throws {AppError} `avatar_invalid` for a bad source, or if `preparation` is false and nothing was prepared; `face_not_found`,
 *   `media_unreadable`, `model_missing`.
 */
export async function prepareAvatar(
  entry: AvatarEntry,
  preparedFolder: string,
  onProgress: (share: number) => void = () => {},
): Promise<Manifest> {
  const folder = preparedPath(preparedFolder, entry.id);
  const existing = await readManifest(folder);
  if (!entry.preparation) {
    if (existing) return existing;
    throw new AppError(
      'avatar_invalid',
      `Avatar ${entry.id}: preparation is false, but ${folder} holds no prepared data of this version. Set preparation: true.`,
    );
  }
  const clips = await sourceClips(entry);
  const source = await checksumOf(clips);
  if (existing?.source === source && existing.bboxShiftPx === entry.bboxShiftPx) return existing;

  await removeLeftovers(folder);
  const newFolder = `${folder}.${randomUUID()}`;
  await mkdir(newFolder, { recursive: true });
  try {
    const { id, bboxShiftPx } = entry;
    const job = { avatarId: id, clips, bboxShiftPx, folder: newFolder, finalFolder: folder };
    const prepared = await prepareApart(job, onProgress);
    const portrait = await ownPortrait(entry.videoFile);
    const manifest: Manifest = {
      version: PREPARATION_VERSION,
      source,
      bboxShiftPx,
      sizePx: AVATAR_SIZE_PX,
      framesPerSecond: CLIP_FRAMES_PER_SECOND,
      faceCount: prepared.faceCount,
      portrait: portrait ? relative(folder, portrait) : 'portrait.png',
      clips: prepared.clips,
    };
    await writeFile(join(newFolder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    await rm(folder, { recursive: true, force: true });
    await rename(newFolder, folder);
    return manifest;
  } finally {
    await rm(newFolder, { recursive: true, force: true });
  }
}

/** Removes what preparations left that were killed. */
async function removeLeftovers(folder: string): Promise<void> {
  const siblings = await readdir(dirname(folder)).catch(() => []);
  for (const name of siblings) {
    if (name.startsWith(`${basename(folder)}.`))
      await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

/**
 * Runs the job in a process of its own: it takes its 300 MB with it when it ends, and a file that brings a decoder down
 * does not bring the server down.
 */
function prepareApart(job: PreparationJob, onProgress: (share: number) => void): Promise<PreparedClips> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./preparation-process.ts', import.meta.url), { execArgv: [] });
    let prepared: PreparedClips | null = null;
    let failure: Error | null = null;
    child.on('message', (message: FromPreparation) => {
      if (message.type === 'progress') onProgress(message.share);
      else if (message.type === 'done') prepared = message.prepared;
      else failure = new AppError(message.code, message.message);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (prepared) resolve(prepared);
      else reject(failure ?? crashed(job, signal ?? code));
    });
    child.send(job);
  });
}

function crashed({ avatarId, clips }: PreparationJob, how: string | number | null): AppError {
  const files = clips.map(({ path }) => path).join(', ');
  return new AppError(
    'media_unreadable',
    `Avatar ${avatarId}: its preparation broke off (${how}). Check that ${files} play elsewhere, and write them anew if not.`,
  );
}
