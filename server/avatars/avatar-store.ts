import { AppError } from '../errors.ts';
import type { Avatar } from './avatar.ts';
import { type ClipChoice, loadAvatar } from './load-avatar.ts';
import { prepareAvatar, preparedPath } from './preparation.ts';
import type { AvatarEntry } from './source-clips.ts';

export interface AvatarStoreOptions {
  /** Absolute. The prepared data of an avatar lies in `<preparedFolder>/<id>/prepared`. */
  readonly preparedFolder: string;
  /** Which clips are kept in memory; `idle` unless said. */
  readonly clips?: ClipChoice;
  /** Called with 0..1 while an avatar is prepared; never if nothing has changed since. */
  readonly onProgress?: (avatarId: string, share: number) => void;
  /** Called if an avatar's pictures show more than one face; the largest is used. */
  readonly onSeveralFaces?: (avatarId: string, faceCount: number) => void;
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
   * @throws {AppError} As `prepareAvatar`.
   */
  async add(entry: AvatarEntry): Promise<Avatar> {
    const avatar = await this.#make(entry);
    this.#avatars.set(avatar.id, avatar);
    return avatar;
  }

  /** Lets go of the memory, which is freed when the last thread has. Idempotent. */
  close(): void {
    this.#avatars.clear();
  }

  async #make(entry: AvatarEntry): Promise<Avatar> {
    const { preparedFolder, clips = 'idle', onProgress, onSeveralFaces } = this.#options;
    const prepared = this.#preparing.then(() =>
      prepareAvatar(entry, preparedFolder, (share) => onProgress?.(entry.id, share)),
    );
    this.#preparing = prepared.catch(() => {});
    const manifest = await prepared;
    if (manifest.faceCount > 1) onSeveralFaces?.(entry.id, manifest.faceCount);
    return loadAvatar(entry, preparedPath(preparedFolder, entry.id), manifest, clips);
  }
}
