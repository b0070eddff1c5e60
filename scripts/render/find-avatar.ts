import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Avatar } from '../../server/avatars/avatar.ts';
import { AvatarStore, type AvatarStoreOptions } from '../../server/avatars/avatar-store.ts';
import { loadAvatar } from '../../server/avatars/load-avatar.ts';
import { readManifest } from '../../server/avatars/prepared-files.ts';
import type { Config } from '../../server/config/config.ts';
import { AppError } from '../../server/errors.ts';
import { progressBar } from '../../server/progress-bar.ts';

/**
 * Loads an avatar of the configuration, prepared first if need be, or one from the folder of its prepared data or the one
 * above it.
 *
 * @param wanted Key in the configuration, or a path from `folder`.
 * @param complete Makes what the engine wants of an avatar besides, see `AvatarStoreOptions`.
 * @throws {AppError} `avatar_not_found` if it is neither; what preparing and loading throw.
 */
export async function findAvatar(
  wanted: string,
  { avatars, settings }: Config,
  folder: string,
  complete?: AvatarStoreOptions['complete'],
): Promise<Avatar> {
  const entry = avatars.find(({ id }) => id === wanted);
  if (entry) {
    const bar = progressBar(`Preparing ${entry.id}`);
    const { preparedFolder, avatarSizePx: sizePx } = settings.media;
    const onProgress = (_id: string, share: number) => bar(share);
    const store = await AvatarStore.open([entry], { preparedFolder, sizePx, onProgress, complete });
    return store.get(entry.id);
  }
  const path = resolve(folder, wanted);
  const prepared = [path, join(path, 'prepared')].find((each) => existsSync(join(each, 'manifest.json')));
  const manifest = prepared && (await readManifest(prepared));
  if (!manifest) {
    const known = avatars.map(({ id }) => id).join(', ');
    const what = prepared ? 'which was prepared by another version' : 'which is neither';
    throw new AppError(
      'avatar_not_found',
      `--avatar must be one of ${known}, or the folder of a prepared avatar, got ${wanted}, ${what}.`,
    );
  }
  const id = basename(basename(prepared) === 'prepared' ? dirname(prepared) : prepared);
  await complete?.(id, prepared, manifest, progressBar(`Preparing ${id}`));
  return loadAvatar({ id, name: id, videoPath: wanted, audioClips: {}, ...unprepared }, prepared, manifest, 'idle');
}

/** What only preparation asks for. */
const unprepared = { preparation: false, bboxShiftPx: 0, videoFile: '' };
