import { type Avatar, type AvatarClip, clipNames } from '../avatars/avatar.ts';
import { AppError } from '../errors.ts';
import { type ActionTime, type Hearing, MOST_ACTIONS, type Scene, Scenes } from './scenes.ts';

/** A clip that stays in memory, and known to the engine, until it is given back. */
export interface BorrowedClip {
  readonly clip: AvatarClip;
  /** Idempotent. */
  giveBack(): void;
}

/** Where sessions get clips from that are not always in memory. */
export interface ClipShelf {
  /** @throws {AppError} `clip_not_found`, `avatar_invalid`, `media_unreadable`. */
  borrow(avatar: Avatar, name: string): Promise<BorrowedClip>;
}

type Base = 'idle' | 'speaking';

/** A session's {@link Scenes} by the names of clips, and the owner of the clips that it borrowed for them. */
export class Stage {
  readonly #shelf: ClipShelf;
  readonly #scenes: Scenes;
  /** What was asked for last, and whether it is there. */
  readonly #wanted = new Map<Base, { name: string; there: Promise<void> }>();
  readonly #bases = new Map<Base, BorrowedClip>();
  /** Of the actions that wait or play. */
  #actions: BorrowedClip[] = [];
  #state: 'open' | 'closed' = 'open';

  constructor(avatar: Avatar, shelf: ClipShelf) {
    this.#shelf = shelf;
    this.#scenes = new Scenes(avatar);
  }

  get avatar(): Avatar {
    return this.#scenes.avatar;
  }

  get isActing(): boolean {
    return this.#scenes.isActing;
  }

  clipName(base: Base): string {
    return this.#scenes.clipName(base);
  }

  setAvatar(avatar: Avatar): void {
    this.#giveAllBack();
    this.#scenes.setAvatar(avatar);
  }

  /** Which clip is seen while nothing is said: that of the idle or that of the speaking state. */
  rest(base: Base): void {
    this.#scenes.rest(base);
  }

  /**
   * Sets the clip of a state. Settles when it is in memory; until then the one before it is shown. A later call for the same
   * state overrules this one.
   * @throws {AppError} `clip_not_found` with the names of those that there are; what the shelf throws.
   */
  setClip(base: Base, name: string): Promise<void> {
    const wanted = this.#wanted.get(base);
    if (wanted?.name === name) return wanted.there;
    this.#requireClip(name);
    const there = this.#fetchBase(base, name);
    this.#wanted.set(base, { name, there });
    return there;
  }

  /**
   * Plays a clip once when its time has come. Settles when it waits for its turn.
   * @throws {AppError} `clip_not_found`; `rate_limited` if too many wait already; what the shelf throws.
   */
  async act(name: string, time: ActionTime = 'next'): Promise<void> {
    this.#requireClip(name);
    const { avatar } = this;
    const borrowed = await this.#shelf.borrow(avatar, name);
    if (this.#state === 'closed' || this.avatar !== avatar) return borrowed.giveBack();
    if (this.#scenes.act(borrowed.clip, time)) {
      this.#actions.push(borrowed);
      return;
    }
    borrowed.giveBack();
    throw new AppError('rate_limited', `${MOST_ACTIONS} actions wait already; ask again when one has been played.`);
  }

  /** As {@link Scenes.next}. */
  next(hearing: Hearing): Scene {
    const scene = this.#scenes.next(hearing);
    if (this.#scenes.actionCount < this.#actions.length) this.#giveActionsBack();
    return scene;
  }

  /** Gives back what was borrowed. Idempotent. */
  close(): void {
    this.#state = 'closed';
    this.#giveAllBack();
  }

  async #fetchBase(base: Base, name: string): Promise<void> {
    const { avatar } = this;
    let borrowed: BorrowedClip;
    try {
      borrowed = await this.#shelf.borrow(avatar, name);
    } catch (error) {
      if (this.#wanted.get(base)?.name === name) this.#wanted.delete(base);
      throw error;
    }
    if (this.#state === 'closed' || this.avatar !== avatar || this.#wanted.get(base)?.name !== name) {
      borrowed.giveBack();
      return;
    }
    this.#bases.get(base)?.giveBack();
    this.#bases.set(base, borrowed);
    this.#scenes.setClip(base, borrowed.clip);
  }

  #requireClip(name: string): void {
    const known = clipNames(this.avatar);
    if (known.includes(name)) return;
    throw new AppError('clip_not_found', `Avatar ${this.avatar.id} has no clip ${name}; it has: ${known.join(', ')}`);
  }

  /** Gives back the clips of actions that are over. */
  #giveActionsBack(): void {
    const wanted = [...this.#scenes.actions];
    this.#actions = this.#actions.filter((borrowed) => {
      const at = wanted.indexOf(borrowed.clip);
      if (at < 0) borrowed.giveBack();
      else wanted.splice(at, 1);
      return at >= 0;
    });
  }

  #giveAllBack(): void {
    for (const borrowed of [...this.#bases.values(), ...this.#actions]) borrowed.giveBack();
    this.#wanted.clear();
    this.#bases.clear();
    this.#actions = [];
  }
}
