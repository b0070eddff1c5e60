import type { Avatar } from './avatar.ts';

export interface AvatarMemoryOptions {
  /** Most bytes of pictures that are kept; avatars that are shown are kept whatever they take. No limit if absent. */
  readonly maxBytes?: number;
  /** Whether somebody shows the avatar now. */
  readonly isShown?: (id: string) => boolean;
  /** Called with each avatar that has come into memory, before anybody gets it. */
  readonly onLoaded?: (avatar: Avatar) => void;
  /** Called when one is let go. Its memory is freed when the last thread has let go of it too. */
  readonly onUnloaded?: (id: string) => void;
}

/** How an avatar comes into memory. */
export interface AvatarSource {
  /** What its pictures take there. */
  readonly sizeBytes: number;
  readonly load: () => Promise<Avatar>;
}

interface Known {
  readonly source: AvatarSource;
  /** Set once somebody has asked for it, until it is let go. */
  coming: Promise<Avatar> | null;
  /** Null while it is not in memory. */
  avatar: Avatar | null;
  /** Whether it is still to be had. */
  isForgotten: boolean;
}

/**
 * The avatars' pictures: loaded when they are first wanted, and kept until others need their place. Then those go first that were
 * wanted least recently, but none that somebody shows. One that takes the place of another of the same id goes at once.
 */
export class AvatarMemory {
  readonly #options: AvatarMemoryOptions;
  /** In the order in which they were last wanted. */
  readonly #known = new Map<string, Known>();

  constructor(options: AvatarMemoryOptions = {}) {
    this.#options = options;
  }

  /** Bytes of pictures in memory, and on their way into it. */
  get sizeBytes(): number {
    let sum = 0;
    for (const { coming, source } of this.#known.values()) if (coming) sum += source.sizeBytes;
    return sum;
  }

  /** Whether an avatar of that size would come in without another having to go. */
  hasRoom(sizeBytes: number): boolean {
    return this.sizeBytes + sizeBytes <= (this.#options.maxBytes ?? Number.POSITIVE_INFINITY);
  }

  /** Makes an avatar known, not yet loaded; one of the same id is replaced. */
  know(id: string, source: AvatarSource): void {
    if (this.#known.get(id)?.avatar) this.#options.onUnloaded?.(id);
    this.#known.delete(id);
    this.#known.set(id, { source, coming: null, avatar: null, isForgotten: false });
  }

  /** Null if it is not in memory, or not to be had any more. */
  get(id: string): Avatar | null {
    const known = this.#known.get(id);
    return known && !known.isForgotten ? known.avatar : null;
  }

  /**
   * Brings an avatar into memory. Whoever wants to keep it must show it before anything else is waited for.
   *
   * @throws {RangeError} if it is not known; what its source throws, and then the next one who asks tries again.
   */
  async bring(id: string): Promise<Avatar> {
    const known = this.#known.get(id);
    if (!known || known.isForgotten) throw new RangeError(`there is no avatar ${id} to bring into memory`);
    this.#known.delete(id);
    this.#known.set(id, known);
    known.coming ??= this.#load(id, known);
    return known.coming;
  }

  /** Lets go of an avatar: at once, or when nobody shows it any more and another one comes. Idempotent. */
  forget(id: string): void {
    const known = this.#known.get(id);
    if (!known) return;
    known.isForgotten = true;
    this.#makeRoom();
  }

  /** Lets go of all. Idempotent. */
  close(): void {
    this.#known.clear();
  }

  async #load(id: string, known: Known): Promise<Avatar> {
    try {
      this.#makeRoom(known);
      const avatar = await known.source.load();
      if (this.#known.get(id) === known) {
        this.#options.onLoaded?.(avatar);
        known.avatar = avatar;
      }
      return avatar;
    } catch (error) {
      known.coming = null;
      throw error;
    }
  }

  /** @param wanted Comes in next, and takes its place as well. */
  #makeRoom(wanted?: Known): void {
    const { maxBytes = Number.POSITIVE_INFINITY, isShown = () => false } = this.#options;
    const neededBytes = wanted?.source.sizeBytes ?? 0;
    for (const [id, known] of this.#known) {
      if (known === wanted || isShown(id)) continue;
      if (!known.isForgotten && (!known.avatar || this.sizeBytes + neededBytes <= maxBytes)) continue;
      if (known.avatar) this.#options.onUnloaded?.(id);
      known.avatar = null;
      known.coming = null;
      if (known.isForgotten) this.#known.delete(id);
    }
  }
}
