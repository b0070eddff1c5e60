import type { AvatarLoading } from './avatar-loading.ts';
import { AppError } from './errors.ts';
import type { Log } from './log.ts';
import { OwnAvatarFiles, type OwnAvatarRecord } from './own-avatar-files.ts';

/** Own avatars that may wait for their preparation, the one under way included. */
const MAX_WAITING = 8;

export interface OwnAvatarsOptions {
  /** Absolute; see {@link OwnAvatarFiles}. */
  readonly folder: string;
  /** Most that there may be. */
  readonly maxAvatars: number;
  readonly loading: Pick<AvatarLoading, 'addOwn' | 'forget' | 'rename' | 'requireNew' | 'progress'>;
  /** Whether a session shows the avatar of that id now. */
  readonly isShown: (id: string) => boolean;
  readonly log: Log;
  readonly now?: () => Date;
}

/** An avatar as somebody brings it in. */
export interface NewAvatar {
  /** `[A-Za-z0-9_-]{1,64}` */
  readonly id: string;
  readonly name: string;
  /** Who says that the person shown agrees. */
  readonly consentBy: string;
  /** A folder of {@link OwnAvatars.begin} with the source in it. */
  readonly folder: string;
  /** The source, relative to the folder. */
  readonly source: string;
}

interface Own {
  record: OwnAvatarRecord;
  readonly stop: AbortController;
  /** Settles, without failing, when it is ready, has failed, or was given up. */
  prepared: Promise<void>;
  /** Settles, without failing, when the record is on disk as it was last saved. */
  saved: Promise<void>;
}

/**
 * The avatars that people bring in: they are kept on disk with the consent of who is shown, and come back when the server
 * starts again. Each is prepared in its turn; at most {@link MAX_WAITING} wait. Of one that fails or is given up nothing is left.
 */
export class OwnAvatars {
  readonly #options: OwnAvatarsOptions;
  readonly #files: OwnAvatarFiles;
  readonly #own = new Map<string, Own>();
  #state: 'new' | 'open' | 'closed' = 'new';

  constructor(options: OwnAvatarsOptions) {
    this.#options = options;
    this.#files = new OwnAvatarFiles(options.folder);
  }

  /** Takes up again what earlier runs of the server have kept; also what was not finished then. Call when others can be loaded. */
  async open(): Promise<void> {
    const { log, loading } = this.#options;
    const records = await this.#files.open();
    if (this.#state === 'closed') return;
    this.#state = 'open';
    for (const record of records) {
      try {
        loading.requireNew(record.id);
        this.#prepare(record, Promise.resolve());
      } catch {
        log.warn(
          { avatarId: record.id },
          'an own avatar has the id of a configured one and is not shown; rename its folder and id',
        );
      }
    }
  }

  /** How many more there may be. */
  get places(): number {
    return Math.max(0, this.#options.maxAvatars - this.#own.size);
  }

  /** Null if it is none of these. */
  find(id: string): OwnAvatarRecord | null {
    return this.#own.get(id)?.record ?? null;
  }

  /** @throws {AppError} what {@link add} would throw for an avatar of this id. */
  requireRoom(id: string): void {
    const { maxAvatars, loading, isShown } = this.#options;
    if (this.#state !== 'open') throw new AppError('not_ready', 'The server is starting; try again in a few seconds.');
    loading.requireNew(id);
    if (this.#own.has(id)) throw new AppError('avatar_exists', `Avatar ${id} exists already; choose another id.`);
    if (isShown(id)) {
      throw new AppError('avatar_exists', `A session still shows an earlier avatar ${id}; choose another id.`);
    }
    if (this.places === 0) {
      throw new AppError(
        'avatar_limit',
        `${maxAvatars} own avatars are kept, and no more may be (media.max_own_avatars). Delete one first.`,
      );
    }
    const waiting = loading.progress().filter(({ state }) => state === 'waiting' || state === 'preparing');
    if (waiting.filter((each) => this.#own.has(each.id)).length >= MAX_WAITING) {
      throw new AppError('server_full', `${MAX_WAITING} avatars wait to be prepared; try again when one is ready.`);
    }
  }

  /** @returns A new folder for the source of an avatar to come. Whoever asked for it removes it unless {@link add} took it. */
  begin(): Promise<string> {
    return this.#files.begin();
  }

  /**
   * Keeps a new avatar and begins to prepare it, which is told by the progress of its id.
   *
   * @throws {AppError} `avatar_exists`, `avatar_limit`, `server_full`, `not_ready`; the folder is then still the caller's.
   */
  async add({ id, name, consentBy, folder, source }: NewAvatar): Promise<void> {
    this.requireRoom(id);
    const at = (this.#options.now?.() ?? new Date()).toISOString();
    const record = { id, name, consent: { by: consentBy, at }, source, isPrepared: false };
    // The place is taken before anything is waited for.
    const kept = this.#files.keep(folder, record);
    this.#prepare(record, kept);
    await kept;
  }

  /** @throws {AppError} `avatar_not_found` for what is not an own avatar. */
  async rename(id: string, name: string): Promise<void> {
    const own = this.#require(id);
    own.record = { ...own.record, name };
    await this.#save(own);
    this.#options.loading.rename(id, name);
  }

  /**
   * Gives up its preparation, takes it off the list and removes all that is kept of it. Sessions that show it do so to their end.
   *
   * @throws {AppError} `avatar_not_found` for what is not an own avatar.
   */
  async remove(id: string): Promise<void> {
    const own = this.#require(id);
    own.stop.abort();
    await own.prepared;
    await own.saved;
    this.#own.delete(id);
    this.#options.loading.forget(id);
    await this.#files.remove(id);
    this.#options.log.info({ avatarId: id }, 'own avatar was removed');
  }

  /** Gives up what is being prepared; the next start takes it up again. Idempotent. */
  async close(): Promise<void> {
    this.#state = 'closed';
    for (const { stop } of this.#own.values()) stop.abort();
    await Promise.all([...this.#own.values()].map(({ prepared }) => prepared));
  }

  #require(id: string): Own {
    const own = this.#own.get(id);
    if (own) return own;
    throw new AppError(
      'avatar_not_found',
      `There is no own avatar ${id}; those of the configuration are changed there.`,
    );
  }

  /** Writes the record as it is when earlier writes are done. */
  #save(own: Own): Promise<void> {
    const saved = own.saved.then(() => this.#files.update(own.record));
    own.saved = saved.catch(() => {});
    return saved;
  }

  /** @param kept Fails if there is nothing to prepare. */
  #prepare(record: OwnAvatarRecord, kept: Promise<void>): void {
    const own: Own = { record, stop: new AbortController(), prepared: Promise.resolve(), saved: Promise.resolve() };
    this.#own.set(record.id, own);
    own.prepared = this.#run(own, kept).catch((error) => {
      this.#own.delete(record.id);
      this.#options.log.error({ err: error, avatarId: record.id }, 'an own avatar could not be kept or removed');
    });
  }

  async #run(own: Own, kept: Promise<void>): Promise<void> {
    await kept;
    const { id, name, consent, isPrepared } = own.record;
    const videoFile = this.#files.sourceOf(own.record);
    const entry = { id, name, consent, preparation: true, bboxShiftPx: 0, videoPath: id, videoFile, audioClips: {} };
    try {
      const { signal } = own.stop;
      // One that was ready before can wait until somebody wants it; a new one is about to be looked at.
      const load = isPrepared ? 'later' : 'now';
      await this.#options.loading.addOwn(entry, { preparedFolder: this.#files.folder, signal, load });
    } catch {
      // Loading has told why. Whoever removes or closes it knows what to do with the files.
      if (own.stop.signal.aborted || isPrepared) return;
      this.#own.delete(id);
      await this.#files.remove(id);
      return;
    }
    // It may have been renamed while it was prepared.
    this.#options.loading.rename(id, own.record.name);
    if (isPrepared) return;
    own.record = { ...own.record, isPrepared: true };
    await this.#save(own);
  }
}
