import { basename, sep } from 'node:path';
import type { Avatar, AvatarCard } from './avatars/avatar.ts';
import { AvatarRefused } from './avatars/avatar-report.ts';
import { type AddOptions, AvatarStore, type AvatarStoreOptions } from './avatars/avatar-store.ts';
import type { Manifest } from './avatars/prepared-files.ts';
import type { AvatarEntry, Consent } from './avatars/source-clips.ts';
import type { AvatarSettings } from './config/avatars-file.ts';
import { AppError, describeError } from './errors.ts';
import {
  type AvatarFacts,
  type AvatarGallery,
  type AvatarProgress,
  findAvatar,
  NOTHING_KNOWN,
} from './http/avatar-gallery.ts';
import type { Log } from './log.ts';
import { progressBar } from './progress-bar.ts';

/** What is the same for all avatars that are added. */
const ADDED = { preparation: true, bboxShiftPx: 0, audioClips: {} } as const;

/** Failures of added avatars that {@link AvatarLoading.progress} tells of; older ones are forgotten when one is added. */
const TOLD_FAILURES = 10;

type Store = Pick<AvatarStore, 'add' | 'bring' | 'get' | 'has' | 'forget' | 'sizeBytes'>;

/** Those who draw the avatars. */
export type AvatarUsers = Required<Pick<AvatarStoreOptions, 'isShown' | 'onLoaded' | 'onUnloaded'>>;

interface Added {
  readonly videoFile: string;
  readonly avatar: Promise<AvatarCard>;
  /** Whether it is one of those that people brought in and that stay, see `OwnAvatars`. */
  readonly isOwn: boolean;
}

export interface AvatarLoadingOptions {
  /** Absolute. */
  readonly preparedFolder: string;
  /** Side of all avatars' pictures; 512 if left out. */
  readonly sizePx?: number;
  /** Whether one avatar that cannot be used is reason enough to give up; if not, the others are served. */
  readonly needsAll: boolean;
  /** Whether preparation is shown in the terminal. */
  readonly showsProgress: boolean;
  /** Most bytes of pictures in memory, see `AvatarMemory`. */
  readonly maxMemoryBytes: number;
  /** Most avatars that may be added for the time that the server runs. */
  readonly maxAdded: number;
  readonly log: Log;
  /** Makes what the engine that runs wants of an avatar besides; see `AvatarStoreOptions`. */
  readonly complete?: AvatarStoreOptions['complete'];
  /** `AvatarStore.open` unless a test has its own. */
  readonly openStore?: (options: AvatarStoreOptions) => Promise<Store>;
}

/** An avatar that somebody adds while the server runs. */
export interface AddedAvatar {
  /** `[A-Za-z0-9_-]{1,64}`. */
  readonly id: string;
  /** As the client wrote it. */
  readonly videoPath: string;
  /** Absolute path of a video, an image or a folder of either. */
  readonly videoFile: string;
  /** What is known of whether the person shown agrees; nobody was asked if left out. */
  readonly consent?: Consent;
}

/**
 * The avatars on their way into memory, one after the other, and how far each is: those of the configuration, then those that
 * clients add. There may be {@link AvatarLoadingOptions.maxAdded}. Their pictures are in memory as long as there is room, and come back when wanted.
 */
export class AvatarLoading implements AvatarGallery {
  readonly #entries: readonly AvatarSettings[];
  readonly #options: AvatarLoadingOptions;
  readonly #log: Log;
  readonly #bars = new Map<string, (share: number) => void>();
  readonly #progress = new Map<string, AvatarProgress>();
  readonly #ready = new Map<string, AvatarCard>();
  /** Avatars that were added, by id, until their preparation fails. */
  readonly #added = new Map<string, Added>();
  /** What was found out about the pictures of those that are ready or failed. */
  readonly #facts = new Map<string, AvatarFacts>();
  readonly #watchers = new Set<(id: string) => void>();
  /** Null until {@link load} has begun. */
  #store: Store | null = null;

  constructor(entries: readonly AvatarSettings[], options: AvatarLoadingOptions) {
    this.#entries = entries;
    this.#options = options;
    this.#log = options.log;
    for (const { id } of entries) this.#set(id, 'waiting', 0);
  }

  ready(): readonly AvatarCard[] {
    return [...this.#ready.values()];
  }

  progress(): readonly AvatarProgress[] {
    return [...this.#progress.values()];
  }

  async bring(id: string | null): Promise<AvatarCard> {
    const avatar = findAvatar(this, id);
    try {
      await this.#store?.bring(avatar.id);
      return avatar;
    } catch (error) {
      this.#log.error({ err: error, avatarId: avatar.id }, 'an avatar cannot be brought into memory');
      throw new AppError('avatar_invalid', `Avatar ${avatar.id} cannot be loaded; the server's log says why.`);
    }
  }

  /** Bytes that the avatars' pictures take in memory. */
  get sizeBytes(): number {
    return this.#store?.sizeBytes ?? 0;
  }

  isInMemory(id: string): boolean {
    return this.#store?.has(id) ?? false;
  }

  /** @throws {AppError} as {@link findAvatar}; `not_ready` for one that was not brought into memory, or had to go since. */
  inMemory(id: string): Avatar {
    findAvatar(this, id);
    if (this.#store) return this.#store.get(id);
    throw new AppError('not_ready', 'The server is starting; try again in a few seconds.');
  }

  facts(id: string): AvatarFacts {
    return this.#facts.get(id) ?? NOTHING_KNOWN;
  }

  watch(listener: (id: string) => void): () => void {
    this.#watchers.add(listener);
    return () => void this.#watchers.delete(listener);
  }

  /**
   * Prepares and loads all. One that fails is told in the log and by {@link progress}.
   *
   * @param signal Once it is aborted no further avatar is begun.
   * @throws {AppError} `avatar_invalid` if there is none that can be used, or if one cannot and all are needed.
   */
  async load(users: AvatarUsers, signal: AbortSignal): Promise<void> {
    const openStore = this.#options.openStore ?? ((options) => AvatarStore.open([], options));
    const store = await openStore({
      ...users,
      preparedFolder: this.#options.preparedFolder,
      sizePx: this.#options.sizePx,
      maxBytes: this.#options.maxMemoryBytes,
      complete: this.#options.complete,
      onTurn: (id) => this.#set(id, 'preparing', 0),
      onProgress: (id, share) => this.#showProgress(id, share),
      onPrepared: (id, manifest) => this.#keepFacts(id, manifest),
    });
    this.#store = store;
    const options = { load: 'if room' } as const;
    for (const entry of this.#entries) if (!signal.aborted) await this.#loadOne(store, entry, options).catch(() => {});
    if (signal.aborted) return;
    const problems = this.progress().flatMap(({ problem }) => (problem === null ? [] : [problem]));
    if (this.#ready.size === 0)
      throw new AppError('avatar_invalid', ['No avatar can be used.', ...problems].join('\n'));
    if (problems.length > 0 && this.#options.needsAll) throw new AppError('avatar_invalid', problems.join('\n'));
  }

  /**
   * Prepares and loads one more, which takes half a minute and is told by {@link progress}. The same one again is no second work.
   *
   * @throws {AppError} `avatar_exists` if the id stands for another video; `server_full` if no more may be added; `not_ready`
   *   before an engine runs; as `prepareAvatar` does, and then it may be tried again.
   */
  async add({ id, ...added }: AddedAvatar): Promise<AvatarCard> {
    const configured = this.#entries.find((entry) => entry.id === id);
    const known = configured ?? this.#added.get(id);
    if (known && known.videoFile !== added.videoFile) {
      throw new AppError('avatar_exists', `Avatar ${id} exists already and has another video; choose another id.`);
    }
    if (configured) return findAvatar(this, id);
    return (this.#added.get(id) ?? this.#begin({ ...ADDED, ...added, id, name: id }, { isOwn: false })).avatar;
  }

  /**
   * Prepares and loads an avatar that somebody brought in to stay. It does not count for {@link AvatarLoadingOptions.maxAdded}.
   *
   * @throws {AppError} `avatar_exists`; `not_ready`; as `prepareAvatar` does. The reason of the signal if that was aborted: the
   *   avatar is then not listed any more.
   */
  async addOwn(entry: AvatarEntry, options: AddOptions): Promise<AvatarCard> {
    this.requireNew(entry.id);
    return this.#begin(entry, { ...options, isOwn: true }).avatar;
  }

  /** @throws {AppError} `avatar_exists` if the id is taken by an avatar that did not fail. */
  requireNew(id: string): void {
    const known = this.#progress.get(id);
    if (!known || (known.state === 'failed' && !this.#isConfigured(id))) return;
    throw new AppError('avatar_exists', `Avatar ${id} exists already; choose another id.`);
  }

  /** Gives an own avatar another name. Sessions that show it keep the old one. */
  rename(id: string, name: string): void {
    const avatar = this.#ready.get(id);
    if (!avatar) return;
    this.#ready.set(id, { ...avatar, name });
    this.#tell(id);
  }

  /** Takes an own avatar, or what is told of a failed one, off the list. Sessions that show it keep it. Idempotent. */
  forget(id: string): void {
    this.#store?.forget(id);
    this.#ready.delete(id);
    this.#added.delete(id);
    this.#facts.delete(id);
    if (this.#progress.delete(id)) this.#tell(id);
  }

  #begin(entry: AvatarEntry, { isOwn, ...options }: AddOptions & { readonly isOwn: boolean }): Added {
    const { maxAdded } = this.#options;
    if (!this.#store) throw new AppError('not_ready', 'The server is starting; try again in a few seconds.');
    if (!isOwn && [...this.#added.values()].filter((each) => !each.isOwn).length >= maxAdded) {
      throw new AppError(
        'server_full',
        `${maxAdded} avatars were added already; no more may be (media.max_added_avatars).`,
      );
    }
    // A try after a failure is told as the last one of the list.
    this.#progress.delete(entry.id);
    this.#facts.delete(entry.id);
    this.#forgetOldFailures();
    this.#set(entry.id, 'waiting', 0);
    const avatar = this.#loadOne(this.#store, entry, options);
    const added = { videoFile: entry.videoFile, avatar, isOwn };
    this.#added.set(entry.id, added);
    avatar.catch(() => this.#added.get(entry.id) === added && this.#added.delete(entry.id));
    return added;
  }

  /** What became of earlier tries is soon of no interest any more, and must not pile up. */
  #forgetOldFailures(): void {
    const failures = this.progress().filter(({ id, state }) => state === 'failed' && !this.#isConfigured(id));
    for (const { id } of failures.slice(0, Math.max(0, failures.length - TOLD_FAILURES))) {
      this.#progress.delete(id);
      this.#facts.delete(id);
    }
  }

  #isConfigured(id: string): boolean {
    return this.#entries.some((entry) => entry.id === id);
  }

  #keepFacts(avatarId: string, { report, consent, faceCount }: Manifest): void {
    this.#facts.set(avatarId, { report, consent });
    if (faceCount > 1)
      this.#log.warn({ avatarId, faceCount }, 'an avatar shows more than one face; the largest is used');
  }

  #showProgress(id: string, share: number): void {
    this.#set(id, 'preparing', share);
    if (!this.#options.showsProgress) return;
    let bar = this.#bars.get(id);
    if (!bar) {
      bar = progressBar(`Preparing ${id}`);
      this.#bars.set(id, bar);
    }
    bar(share);
  }

  /** @throws what went wrong, after it was told. */
  async #loadOne(store: Store, entry: AvatarEntry, options: AddOptions): Promise<AvatarCard> {
    const { id } = entry;
    const startedMs = performance.now();
    try {
      const avatar = await store.add(entry, options);
      this.#ready.set(id, avatar);
      this.#set(id, 'ready', 1);
      this.#log.info({ avatarId: id, tookMs: Math.round(performance.now() - startedMs) }, 'avatar is ready');
      return avatar;
    } catch (error) {
      if (options.signal?.aborted) {
        this.forget(id);
        throw error;
      }
      const { code, message } = describeError(error);
      const problem = this.#added.get(id)?.isOwn
        ? withoutPaths(message, entry, options)
        : `Failed to initialize avatar ${id}: ${message}`;
      if (error instanceof AvatarRefused) this.#facts.set(id, { report: error.report, consent: entry.consent ?? null });
      this.#set(id, 'failed', 0, problem);
      this.#log.error(code === 'internal' ? { avatarId: id, err: error } : { avatarId: id }, problem);
      throw error;
    }
  }

  #set(id: string, state: AvatarProgress['state'], share: number, problem: string | null = null): void {
    this.#progress.set(id, { id, state, share, problem });
    this.#tell(id);
  }

  #tell(id: string): void {
    for (const listener of this.#watchers) listener(id);
  }
}

/** Where things lie on this machine is nobody's business who brings in a face. */
function withoutPaths(message: string, { videoFile }: AvatarEntry, { preparedFolder = '' }: AddOptions): string {
  return message.replaceAll(videoFile, basename(videoFile)).replaceAll(preparedFolder + sep, '');
}
