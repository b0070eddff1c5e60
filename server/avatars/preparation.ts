import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { AppError } from '../errors.ts';
import { faceModelsVersion } from './human-library.ts';
import { removeLeftovers } from './leftovers.ts';
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
import { runApart } from './run-apart.ts';
import { type AvatarEntry, type Consent, checksumOf, ownPortrait, sourceClips } from './source-clips.ts';

/** Longest that one avatar takes: many times what a long video needs, since all else on the machine comes first. */
const MAX_SECONDS = 600;

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
 * @param sizePx Side of the avatar's pictures; even.
 * @throws {AppError} `avatar_invalid` for a bad source, or if `preparation` is false and nothing was prepared; `face_not_found`,
 *   `media_unreadable`, `model_missing`; an {@link AvatarRefused} where the pictures are the reason; the signal's reason when it
 *   is aborted.
 */
export async function prepareAvatar(
  entry: AvatarEntry,
  preparedFolder: string,
  onProgress: (share: number) => void = () => {},
  signal?: AbortSignal,
  sizePx = AVATAR_SIZE_PX,
): Promise<Manifest> {
  signal?.throwIfAborted();
  const folder = preparedPath(preparedFolder, entry.id);
  await removeLeftovers(folder);
  const existing = await readManifest(folder);
  if (!entry.preparation) {
    if (existing?.sizePx === sizePx) return existing;
    throw new AppError(
      'avatar_invalid',
      `Avatar ${entry.id}: preparation is false, but ${folder} holds no prepared data of this version and of ${sizePx} pixels a side. Set preparation: true.`,
    );
  }
  const clips = await sourceClips(entry);
  const source = await checksumOf(clips);
  const faceModels = faceModelsVersion();
  const isSame = existing && existing.source === source && existing.sizePx === sizePx;
  const isCurrent = isSame && existing.faceModels === faceModels && (await isIntact(folder, existing));
  if (isCurrent && existing.bboxShiftPx === entry.bboxShiftPx) {
    return keepConsent(folder, existing, entry.consent ?? existing.consent);
  }

  const newFolder = `${folder}.${process.pid}-${randomUUID()}`;
  await mkdir(newFolder, { recursive: true });
  try {
    const { id, bboxShiftPx } = entry;
    const seed = Number.parseInt(source.slice(0, 8), 16);
    const job = { avatarId: id, clips, bboxShiftPx, sizePx, folder: newFolder, finalFolder: folder, seed };
    const prepared = await prepareApart(job, onProgress, signal);
    const portrait = await ownPortrait(entry.videoFile);
    const manifest: Manifest = {
      version: PREPARATION_VERSION,
      source,
      bboxShiftPx,
      faceModels,
      sizePx,
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

function prepareApart(
  job: PreparationJob,
  onProgress: (share: number) => void,
  signal?: AbortSignal,
): Promise<PreparedClips> {
  return runApart(job, {
    process: new URL('./preparation-process.ts', import.meta.url),
    onProgress,
    signal,
    maxSeconds: MAX_SECONDS,
    tooSlow: () =>
      new AppError(
        'timeout',
        `Avatar ${job.avatarId}: its preparation took more than ${MAX_SECONDS} s. Use a shorter or smaller video.`,
      ),
    crashed: (how) => crashed(job, how),
  });
}

function crashed({ avatarId, clips }: PreparationJob, how: string | number | null): AppError {
  const files = clips.map(({ path }) => path).join(', ');
  return new AppError(
    'media_unreadable',
    `Avatar ${avatarId}: its preparation broke off (${how}). Check that ${files} play elsewhere, and write them anew if not.`,
  );
}
