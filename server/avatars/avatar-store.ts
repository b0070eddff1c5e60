import { AppError } from '../errors.ts';
import type { Avatar } from './avatar.ts';
import { type ClipChoice, loadAvatar } from './load-avatar.ts';
import { prepareAvatar, preparedPath } from './preparation.ts';
import type { Manifest } from './prepared-files.ts';
import type { AvatarEntry } from './source-clips.ts';

export interface AvatarStoreOptions {
  /** Absolute. The prepared data of an avatar lies in `<preparedFolder>/<id>/prepared`. */
  readonly preparedFolder: string;
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
}

/** The avatars of this process. Their pictures are held once, in shared memory, for all sessions and threads. */
export class AvatarStore {
  readonly #options: AvatarStoreOptions;
  readonly #avatars = new Map<string, Avatar>();
  /** Preparations run one after the other: each takes a core and 300 MB. */
  #preparing: Promise<unknown> = Promise.resolve();

  private constructor(options: AvatarStoreOptions) {
    this.#options = options;
  }

  /**
   * Prepares what has changed and loads all.
   *
   * @param entries Listed in this order.
   * @throws {AppError} As `prepareAvatar`, for the first avatar that fails.
   */
  static async open(entries: readonly AvatarEntry[], options: AvatarStoreOptions): Promise<AvatarStore> {
    const store = new AvatarStore(options);
    const avatars = await Promise.all(entries.map((entry) => store.#make(entry)));
    for (const avatar of avatars) store.#avatars.set(avatar.id, avatar);
    return store;
  }

  /** In the order in which they were given. */
  list(): readonly Avatar[] {
    return [...this.#avatars.values()];
  }

  /** @throws {AppError} `avatar_not_found` */
  get(id: string): Avatar {
    const avatar = this.#avatars.get(id);
    if (!avatar) throw new AppError('avatar_not_found', `Avatar ${id} not found`);
    return avatar;
  }

  /**
   * Prepares and loads one more; one of the same id is replaced. Sessions that show the old one keep it.
   *
   * @throws {AppError} As `prepareAvatar`; the reason of the signal if that was aborted.
   */
  async add(entry: AvatarEntry, options: AddOptions = {}): Promise<Avatar> {
    const avatar = await this.#make(entry, options);
    this.#avatars.set(avatar.id, avatar);
    return avatar;
  }

  /** Lets go of one; sessions that show it keep it. Idempotent. */
  forget(id: string): void {
    this.#avatars.delete(id);
  }

  /** Lets go of the memory, which is freed when the last thread has. Idempotent. */
  close(): void {
    this.#avatars.clear();
  }

  async #make(entry: AvatarEntry, { signal, ...given }: AddOptions = {}): Promise<Avatar> {
    const { clips = 'idle', onTurn, onProgress, onPrepared } = this.#options;
    const preparedFolder = given.preparedFolder ?? this.#options.preparedFolder;
    const turn = this.#preparing;
    const prepared = unlessAborted(turn, signal).then(() => {
      onTurn?.(entry.id);
      return prepareAvatar(entry, preparedFolder, (share) => onProgress?.(entry.id, share), signal);
    });
    // Whoever gives up while it waits does not let the next one in before its turn.
    this.#preparing = Promise.allSettled([turn, prepared]);
    const manifest = await prepared;
    onPrepared?.(entry.id, manifest);
    const avatar = await loadAvatar(entry, preparedPath(preparedFolder, entry.id), manifest, clips);
    signal?.throwIfAborted();
    return avatar;
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
