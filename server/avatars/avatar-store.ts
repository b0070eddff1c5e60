import { resolve } from 'node:path';
import { AppError } from '../errors.ts';
import type { Avatar, AvatarCard } from './avatar.ts';
import { AvatarMemory, type AvatarMemoryOptions } from './avatar-memory.ts';
import { type ClipChoice, loadAvatar, sizeInMemory } from './load-avatar.ts';
import { prepareAvatar, preparedPath } from './preparation.ts';
import type { Manifest } from './prepared-files.ts';
import type { AvatarEntry } from './source-clips.ts';

/** The part of an avatar's progress that is over when only what the engine wants besides is still to do. */
const FIRST_SHARE = 0.3;

export interface AvatarStoreOptions extends AvatarMemoryOptions {
  /** Absolute. The prepared data of an avatar lies in `<preparedFolder>/<id>/prepared`. */
  readonly preparedFolder: string;
  /** Makes what the engine wants of an avatar besides; with progress 0..1. Nothing unless said. */
  readonly complete?: (
    avatarId: string,
    folder: string,
    manifest: Manifest,
    onProgress: (share: number) => void,
    signal?: AbortSignal,
  ) => Promise<unknown>;
  /** Side of all avatars' pictures; 512 if left out. */
  readonly sizePx?: number;
  /** Which clips are kept in memory; `idle` unless said. */
  readonly clips?: ClipChoice;
  /** Called when it is an avatar's turn: preparations run one after the other. */
  readonly onTurn?: (avatarId: string) => void;
  /** Called with 0..1 while an avatar is prepared; never if nothing has changed since. */
  readonly onProgress?: (avatarId: string, share: number) => void;
  /** Called with what is known of an avatar's pictures, before they are in memory. */
  readonly onPrepared?: (avatarId: string, manifest: Manifest) => void;
}

export interface AddOptions {
  /** Instead of that of the store. */
  readonly preparedFolder?: string;
  /** Gives up, at once while it waits for its turn; nothing is left on disk then. */
  readonly signal?: AbortSignal;
  /** When its pictures come into memory: at once (unless said otherwise), if no other has to go for it, or when they are wanted. */
  readonly load?: 'now' | 'if room' | 'later';
}

/** The avatars of this process. Their pictures are held once, in shared memory, for all sessions and threads. */
export class AvatarStore {
  readonly #options: AvatarStoreOptions;
  readonly #memory: AvatarMemory;
  /** In the order in which they were added. */
  readonly #ids = new Set<string>();
  /** Preparations run one after the other: each takes a core and 300 MB. */
  #preparing: Promise<unknown> = Promise.resolve();

  private constructor(options: AvatarStoreOptions) {
    this.#options = options;
    this.#memory = new AvatarMemory(options);
  }

  /**
   * Prepares what has changed and loads all.
   *
   * @param entries Listed in this order.
   * @throws {AppError} As `prepareAvatar`, for the first avatar that fails.
   */
  static async open(entries: readonly AvatarEntry[], options: AvatarStoreOptions): Promise<AvatarStore> {
    const store = new AvatarStore(options);
    for (const { id } of entries) store.#ids.add(id);
    await Promise.all(entries.map((entry) => store.add(entry)));
    return store;
  }

  /** Those in memory, in the order in which they were added. */
  list(): readonly Avatar[] {
    return [...this.#ids].flatMap((id) => this.#memory.get(id) ?? []);
  }

  /** Bytes that the avatars' pictures take in memory. */
  get sizeBytes(): number {
    return this.#memory.sizeBytes;
  }

  /** Whether it is in memory. */
  has(id: string): boolean {
    return this.#memory.get(id) !== null;
  }

  /** @throws {AppError} `avatar_not_found`; `not_ready` if it is not in memory. */
  get(id: string): Avatar {
    const avatar = this.#memory.get(id);
    if (avatar) return avatar;
    if (!this.#ids.has(id)) throw new AppError('avatar_not_found', `Avatar ${id} not found`);
    throw new AppError('not_ready', `Avatar ${id} is not in memory at the moment; try again.`);
  }

  /**
   * Brings the pictures of an avatar that was added into memory, which takes a second at most; others may have to go.
   *
   * @throws {AppError} `avatar_not_found`; as `loadAvatar`.
   */
  async bring(id: string): Promise<Avatar> {
    if (!this.#ids.has(id)) throw new AppError('avatar_not_found', `Avatar ${id} not found`);
    return this.#memory.bring(id);
  }

  /**
   * Prepares one more, and loads it when `options` say; one of the same id is replaced. Sessions that show the old one keep it.
   *
   * @throws {AppError} As `prepareAvatar`; the reason of the signal if that was aborted.
   */
  async add(entry: AvatarEntry, options: AddOptions = {}): Promise<AvatarCard> {
    const { clips = 'idle' } = this.#options;
    const { preparedFolder = this.#options.preparedFolder, signal, load = 'now' } = options;
    const manifest = await this.#prepare(entry, preparedFolder, signal);
    const folder = preparedPath(preparedFolder, entry.id);
    const { id, name, audioClips, videoPath } = entry;
    const sizeBytes = sizeInMemory(manifest, clips);
    this.#memory.know(id, { sizeBytes, load: () => loadAvatar(entry, folder, manifest, clips) });
    this.#ids.add(id);
    try {
      if (load === 'now' || (load === 'if room' && this.#memory.hasRoom(sizeBytes))) await this.#memory.bring(id);
      signal?.throwIfAborted();
    } catch (error) {
      this.forget(id);
      throw error;
    }
    return { id, name, audioClips, videoPath, portraitPath: resolve(folder, manifest.portrait) };
  }

  /** Lets go of one; sessions that show it keep it. Idempotent. */
  forget(id: string): void {
    this.#ids.delete(id);
    this.#memory.forget(id);
  }

  /** Lets go of the memory, which is freed when the last thread has. Idempotent. */
  close(): void {
    this.#ids.clear();
    this.#memory.close();
  }

  async #prepare(entry: AvatarEntry, preparedFolder: string, signal: AbortSignal | undefined): Promise<Manifest> {
    const { onTurn, onProgress, onPrepared, complete, sizePx } = this.#options;
    const turn = this.#preparing;
    const prepared = unlessAborted(turn, signal).then(async () => {
      onTurn?.(entry.id);
      const first = complete ? FIRST_SHARE : 1;
      const manifest = await prepareAvatar(
        entry,
        preparedFolder,
        (share) => onProgress?.(entry.id, share * first),
        signal,
        sizePx,
      );
      const told = (share: number) => onProgress?.(entry.id, first + share * (1 - first));
      await complete?.(entry.id, preparedPath(preparedFolder, entry.id), manifest, told, signal);
      return manifest;
    });
    // Whoever gives up while it waits does not let the next one in before its turn.
    this.#preparing = Promise.allSettled([turn, prepared]);
    const manifest = await prepared;
    onPrepared?.(entry.id, manifest);
    return manifest;
  }
}

/** Settles with `work`, or with the reason of the signal if that comes first. */
async function unlessAborted(work: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const give = () => aborted.reject(signal?.reason);
  signal?.addEventListener('abort', give, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal?.removeEventListener('abort', give);
  }
}
