import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { AppError } from '../errors.ts';
import { AvatarRefused } from './avatar-report.ts';
import type { FromPreparation } from './preparation-process.ts';
import type { PreparationJob, PreparedClips } from './prepare-clips.ts';
import {
  AVATAR_SIZE_PX,
  CLIP_FRAMES_PER_SECOND,
  checksumsIn,
  isIntact,
  type Manifest,
  PREPARATION_VERSION,
  readManifest,
  writeManifest,
} from './prepared-files.ts';
import { type AvatarEntry, type Consent, checksumOf, ownPortrait, sourceClips } from './source-clips.ts';

/** Longest that one avatar takes: many times what a long video needs. */
const MAX_SECONDS = 180;
/** Sessions that run come first. */
const NICENESS = 5;

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
 * @param signal Ends the preparation, which leaves nothing behind then.
 * @throws {AppError} `avatar_invalid` for a bad source, or if `preparation` is false and nothing was prepared; `face_not_found`,
 *   `media_unreadable`, `model_missing`; an {@link AvatarRefused} where the pictures are the reason; the signal's reason when it
 *   is aborted.
 */
export async function prepareAvatar(
  entry: AvatarEntry,
  preparedFolder: string,
  onProgress: (share: number) => void = () => {},
  signal?: AbortSignal,
): Promise<Manifest> {
  signal?.throwIfAborted();
  const folder = preparedPath(preparedFolder, entry.id);
  await removeLeftovers(folder);
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
  const isCurrent = existing && existing.source === source && (await isIntact(folder, existing));
  if (isCurrent && existing.bboxShiftPx === entry.bboxShiftPx) {
    return keepConsent(folder, existing, entry.consent ?? existing.consent);
  }

  const newFolder = `${folder}.${process.pid}-${randomUUID()}`;
  await mkdir(newFolder, { recursive: true });
  try {
    const { id, bboxShiftPx } = entry;
    const seed = Number.parseInt(source.slice(0, 8), 16);
    const job = { avatarId: id, clips, bboxShiftPx, folder: newFolder, finalFolder: folder, seed };
    const prepared = await prepareApart(job, onProgress, signal);
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
      report: prepared.report,
      consent: entry.consent ?? existing?.consent ?? null,
      files: await checksumsIn(newFolder),
    };
    await writeManifest(newFolder, manifest);
    signal?.throwIfAborted();
    await rm(folder, { recursive: true, force: true });
    await rename(newFolder, folder);
    return manifest;
  } finally {
    await rm(newFolder, { recursive: true, force: true });
  }
}

/** Writes the manifest anew if somebody else, or somebody at last, has said that the person shown agrees. */
async function keepConsent(folder: string, manifest: Manifest, consent: Consent | null): Promise<Manifest> {
  if (consent?.by === manifest.consent?.by && consent?.at === manifest.consent?.at) return manifest;
  const changed = { ...manifest, consent };
  await writeManifest(folder, changed);
  return changed;
}

/** Removes what preparations left that were killed; what another process is at stays. */
async function removeLeftovers(folder: string): Promise<void> {
  const siblings = await readdir(dirname(folder)).catch(() => []);
  for (const name of siblings) {
    const [, owner] = name.split(`${basename(folder)}.`);
    if (owner === undefined || (owner !== '' && isRunning(Number.parseInt(owner, 10)))) continue;
    await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  if (!(pid > 0) || pid === process.pid) return pid === process.pid;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Runs the job in a process of its own: it takes its 300 MB with it when it ends, and a file that brings a decoder down
 * does not bring the server down.
 */
function prepareApart(
  job: PreparationJob,
  onProgress: (share: number) => void,
  signal?: AbortSignal,
): Promise<PreparedClips> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./preparation-process.ts', import.meta.url), { execArgv: [] });
    let prepared: PreparedClips | null = null;
    let failure: Error | null = null;
    // Nothing in it is worth a goodbye: its folder is removed by whoever made it.
    const end = () => child.kill('SIGKILL');
    signal?.addEventListener('abort', end, { once: true });
    const overtime = setTimeout(() => {
      failure = new AppError(
        'timeout',
        `Avatar ${job.avatarId}: its preparation took more than ${MAX_SECONDS} s. Use a shorter or smaller video.`,
      );
      end();
    }, MAX_SECONDS * 1000);
    // A process that has ended already needs no priority.
    child.once('spawn', () => child.pid && lowerPriority(child.pid));
    child.on('message', (message: FromPreparation) => {
      if (message.type === 'progress') onProgress(message.share);
      else if (message.type === 'done') prepared = message.prepared;
      else failure = failureOf(message);
    });
    child.on('error', (error) => {
      failure ??= error;
    });
    child.on('close', (code, how) => {
      clearTimeout(overtime);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(signal.reason);
      else if (prepared) resolve(prepared);
      else reject(failure ?? crashed(job, how ?? code));
    });
    child.send(job, () => {});
  });
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, NICENESS);
  } catch {
    // It has ended already, or the system does not allow it; neither is a reason to stop.
  }
}

function failureOf({ code, message, report }: FromPreparation & { type: 'failed' }): AppError {
  return report ? new AvatarRefused(code, message, report) : new AppError(code, message);
}

function crashed({ avatarId, clips }: PreparationJob, how: string | number | null): AppError {
  const files = clips.map(({ path }) => path).join(', ');
  return new AppError(
    'media_unreadable',
    `Avatar ${avatarId}: its preparation broke off (${how}). Check that ${files} play elsewhere, and write them anew if not.`,
  );
}
