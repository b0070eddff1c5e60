import type { Avatar, AvatarClip } from './avatars/avatar.ts';
import { loadStoredClip } from './avatars/load-avatar.ts';
import { AppError } from './errors.ts';
import type { BorrowedClip, ClipShelf } from './session/stage.ts';
import type { Timers } from './timers.ts';

/** A clip that nobody shows stays in memory this long, in case it is wanted again. */
export const LINGER_MS = 30_000;

export interface AvatarShelfOptions {
  /** Tells the engines which clips of an avatar are in memory; called whenever that changes. */
  readonly announce: (avatar: Avatar) => void;
  readonly timers: Timers;
  readonly load?: typeof loadStoredClip;
}

interface Shelved {
  readonly avatar: Avatar;
  readonly clip: Promise<AvatarClip>;
  /** Null while it is being loaded. */
  loaded: AvatarClip | null;
  borrowers: number;
  cancelRemoval: () => void;
}

/**
 * The clips of all avatars that are in memory for the time in which somebody shows them: as many as are borrowed, and those
 * given back less than {@link LINGER_MS} ago. Their memory is freed when the last frame of them has been sent.
 */
export class AvatarShelf implements ClipShelf {
  readonly #options: AvatarShelfOptions;
  readonly #shelved = new Map<string, Shelved>();

  constructor(options: AvatarShelfOptions) {
    this.#options = options;
  }

  /** Bytes of pictures that are in memory because of borrowed clips. */
  get sizeBytes(): number {
    let sum = 0;
    for (const { loaded } of this.#shelved.values()) sum += loaded?.frames.byteLength ?? 0;
    return sum;
  }

  async borrow(avatar: Avatar, name: string): Promise<BorrowedClip> {
    const always = avatar.clips.find((clip) => clip.name === name);
    if (always) return { clip: always, giveBack() {} };
    const shelved = this.#shelve(avatar, name);
    shelved.borrowers += 1;
    shelved.cancelRemoval();
    let isBorrowed = true;
    const giveBack = () => {
      if (!isBorrowed) return;
      isBorrowed = false;
      shelved.borrowers -= 1;
      if (shelved.borrowers === 0) this.#removeLater(shelved, name);
    };
    try {
      return { clip: await shelved.clip, giveBack };
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  /** An avatar as engines are to know it: with those of the clips in memory that a mouth is drawn into. */
  withLentClips(avatar: Avatar): Avatar {
    const loaded = [...this.#shelved.values()].filter((shelved) => shelved.avatar === avatar);
    const clips = loaded.flatMap(({ loaded: clip }) => (clip && !isAction(clip.name) ? [clip] : []));
    return { ...avatar, clips: [...avatar.clips, ...clips] };
  }

  /** Lets go of everything; what is borrowed stays with its borrowers. Idempotent. */
  close(): void {
    for (const { cancelRemoval } of this.#shelved.values()) cancelRemoval();
    this.#shelved.clear();
  }

  #shelve(avatar: Avatar, name: string): Shelved {
    const key = `${avatar.id}/${name}`;
    const known = this.#shelved.get(key);
    if (known?.avatar === avatar) return known;
    const stored = avatar.storedClips.find((clip) => clip.name === name);
    if (!stored) throw new AppError('clip_not_found', `Avatar ${avatar.id} has no clip ${name}`);
    const { load = loadStoredClip } = this.#options;
    const shelved: Shelved = { avatar, clip: load(stored), loaded: null, borrowers: 0, cancelRemoval() {} };
    this.#shelved.set(key, shelved);
    shelved.clip.then(
      (clip) => {
        shelved.loaded = clip;
        // Actions are shown as they are; a mouth is drawn into all others.
        if (!isAction(name)) this.#announce(avatar);
      },
      // The next one who asks tries again.
      () => this.#forget(key, shelved),
    );
    return shelved;
  }

  #removeLater(shelved: Shelved, name: string): void {
    const { timers } = this.#options;
    shelved.cancelRemoval();
    shelved.cancelRemoval = timers.at(timers.nowMs() + LINGER_MS, () => {
      this.#forget(`${shelved.avatar.id}/${name}`, shelved);
      if (!isAction(name)) this.#announce(shelved.avatar);
    });
  }

  #forget(key: string, shelved: Shelved): void {
    shelved.cancelRemoval();
    if (this.#shelved.get(key) === shelved) this.#shelved.delete(key);
  }

  #announce(avatar: Avatar): void {
    this.#options.announce(this.withLentClips(avatar));
  }
}

function isAction(name: string): boolean {
  return name.startsWith('action_');
}
