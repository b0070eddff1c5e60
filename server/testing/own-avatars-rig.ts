import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AvatarLoading } from '../avatar-loading.ts';
import type { AddOptions } from '../avatars/avatar-store.ts';
import type { AvatarEntry } from '../avatars/source-clips.ts';
import { AppError } from '../errors.ts';
import { silentLog } from '../log.ts';
import { OwnAvatars } from '../own-avatars.ts';
import { ANNA_ENTRY, fakeAvatar } from './fakes.ts';

export interface OwnAvatarsRigOptions {
  /** Absolute. */
  readonly folder: string;
  readonly maxAvatars?: number;
  /** Ids of avatars that a session shows. */
  readonly shown?: ReadonlySet<string>;
}

/** Real own avatars beside a configured one, anna; preparations end when the test says so, and fail where the source is `wall`. */
export interface OwnAvatarsRig {
  readonly own: OwnAvatars;
  readonly loading: AvatarLoading;
  /** What was to be prepared, in this order. */
  readonly begun: AvatarEntry[];
  /** Ends the preparation of an avatar; there once it has begun. */
  readonly finish: Map<string, () => void>;
  /** Tells how far the preparation is. */
  readonly report: (id: string, share: number) => void;
  /** Brings in an avatar. Settles when its preparation has begun. */
  add(id: string, content?: string): Promise<void>;
}

export async function openOwnAvatars({
  folder,
  maxAvatars = 3,
  shown = new Set(),
}: OwnAvatarsRigOptions): Promise<OwnAvatarsRig> {
  const begun: AvatarEntry[] = [];
  const finish = new Map<string, () => void>();
  let report: OwnAvatarsRig['report'] = () => {};
  const loading = new AvatarLoading([ANNA_ENTRY], {
    preparedFolder: '/prepared',
    needsAll: false,
    showsProgress: false,
    maxMemoryBytes: 1e9,
    maxAdded: 0,
    log: silentLog(),
    openStore: async ({ onProgress }) => {
      report = onProgress ?? report;
      return {
        async add(entry, { signal }: AddOptions = {}) {
          begun.push(entry);
          if (entry.id !== 'anna') await ended(entry, signal);
          return { ...fakeAvatar(entry.id), name: entry.name };
        },
        bring: async (id) => fakeAvatar(id),
        get: (id) => fakeAvatar(id),
        has: () => true,
        sizeBytes: 0,
        forget() {},
      };
    },
  });
  const ended = async ({ id, videoFile }: AvatarEntry, signal?: AbortSignal) => {
    await new Promise<void>((resolve, reject) => {
      finish.set(id, resolve);
      signal?.throwIfAborted();
      signal?.addEventListener('abort', () => reject(signal.reason));
    });
    if ((await readFile(videoFile, 'utf8')) === 'wall') throw new AppError('face_not_found', `no face in ${videoFile}`);
  };
  const users = { isShown: () => false, onLoaded() {}, onUnloaded() {} };
  await loading.load(users, new AbortController().signal);
  const own = new OwnAvatars({
    folder,
    maxAvatars,
    loading,
    isShown: (id) => shown.has(id),
    log: silentLog(),
    now: () => new Date('2026-01-02T03:04:05Z'),
  });
  await own.open();
  return {
    own,
    loading,
    begun,
    finish,
    report: (id, share) => report(id, share),
    async add(id, content = 'a face') {
      const upload = await own.begin();
      await mkdir(join(upload, 'source'));
      await writeFile(join(upload, 'source/me.png'), content);
      await own.add({ id, name: id.toUpperCase(), consentBy: 'Eva', folder: upload, source: 'source/me.png' });
      await settled(() => finish.has(id));
    },
  };
}

/** Waits, without a clock, for what files and promises are about to bring. */
export async function settled(isSo: () => boolean): Promise<void> {
  for (let turns = 0; !isSo(); turns += 1) {
    assert.ok(turns < 100_000, 'what was waited for does not happen');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
