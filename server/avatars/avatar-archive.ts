import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../errors.ts';
import { readManifest } from './prepared-files.ts';
import type { Consent } from './source-clips.ts';
import { packTar, unpackTar } from './tar.ts';

/** What an archive says about its avatar, in `avatar.json`. */
export interface ArchivedAvatar {
  readonly version: 1;
  /** `[A-Za-z0-9_-]{1,64}` */
  readonly id: string;
  readonly bboxShiftPx: number;
  readonly consent: Consent | null;
}

const ABOUT = 'avatar.json';
const ID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Packs what an avatar is made of into one file: clips, portrait, sample speech. Prepared data is left out: it is made anew from these.
 *
 * @param folder The avatar's own, `avatars/<id>`.
 * @returns A gzipped tar.
 * @throws {AppError} `avatar_not_found` if there is no such folder or nothing in it.
 */
export async function exportAvatar(id: string, folder: string): Promise<Uint8Array> {
  const names = await readdir(folder).catch(() => []);
  const manifest = await readManifest(join(folder, 'prepared'));
  const about: ArchivedAvatar = {
    version: 1,
    id,
    bboxShiftPx: manifest?.bboxShiftPx ?? 0,
    consent: manifest?.consent ?? null,
  };
  const files = new Map<string, Uint8Array>([[ABOUT, Buffer.from(`${JSON.stringify(about, null, 2)}\n`)]]);
  for (const name of names.filter((each) => each !== ABOUT && !each.startsWith('.')).sort()) {
    const path = join(folder, name);
    if ((await lstat(path)).isFile()) files.set(name, await readFile(path));
  }
  if (files.size === 1) throw new AppError('avatar_not_found', `${folder} holds no files of an avatar to export.`);
  return packTar(files);
}

/**
 * Unpacks an export into `avatars/<id>`, completely or not at all.
 *
 * @param source Named in messages.
 * @param folderOf Where an avatar of an id belongs; must not exist yet.
 * @throws {AppError} `avatar_invalid` if it is no export; `avatar_exists`.
 */
export async function importAvatar(
  packed: Uint8Array,
  source: string,
  folderOf: (id: string) => string,
): Promise<ArchivedAvatar> {
  const files = unpackTar(packed, source);
  const about = readAbout(files.get(ABOUT), source);
  const folder = folderOf(about.id);
  if (await lstat(folder).catch(() => null)) {
    throw new AppError(
      'avatar_exists',
      `Avatar ${about.id} of ${source} exists already as ${folder}. Import it under another id.`,
    );
  }
  const part = `${folder}.${randomUUID()}.part`;
  await mkdir(dirname(folder), { recursive: true });
  await mkdir(part);
  try {
    for (const [name, bytes] of files) if (name !== ABOUT) await writeFile(join(part, name), bytes, { flag: 'wx' });
    await rename(part, folder);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return about;
}

function readAbout(bytes: Uint8Array | undefined, source: string): ArchivedAvatar {
  const about = parsed(bytes);
  const { version, id, bboxShiftPx, consent = null } = about ?? {};
  const isShift = Number.isInteger(bboxShiftPx) && Math.abs(bboxShiftPx as number) <= 256;
  const isConsent = consent === null || (typeof consent?.by === 'string' && typeof consent.at === 'string');
  if (version !== 1 || typeof id !== 'string' || !ID.test(id) || !isShift || !isConsent) {
    throw new AppError(
      'avatar_invalid',
      `${source}: expected ${ABOUT} to tell an avatar of version 1, found ${bytes ? 'something else' : 'none'}. Export it again.`,
    );
  }
  return { version, id, bboxShiftPx: bboxShiftPx as number, consent: consent && { by: consent.by, at: consent.at } };
}

function parsed(bytes: Uint8Array | undefined): Partial<ArchivedAvatar> | null {
  try {
    return JSON.parse(Buffer.from(bytes ?? []).toString('utf8')) as Partial<ArchivedAvatar> | null;
  } catch {
    return null;
  }
}
