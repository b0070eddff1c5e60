import type { Avatar } from './avatars/avatar.ts';
import { AvatarStore, type AvatarStoreOptions } from './avatars/avatar-store.ts';
import type { AvatarSettings } from './config/avatars-file.ts';
import { AppError, describeError } from './errors.ts';
import { type AvatarGallery, type AvatarProgress, findAvatar } from './http/avatar-gallery.ts';
import type { Log } from './log.ts';
import { progressBar } from './progress-bar.ts';

/** What is the same for all avatars that are added. */
const ADDED = { preparation: true, bboxShiftPx: 0, audioClips: {} } as const;

interface Loader {
  readonly store: Pick<AvatarStore, 'add'>;
  /** Makes the avatar known before it is listed as ready. */
  readonly onReady: (avatar: Avatar) => void;
}

export interface AvatarLoadingOptions {
  /** Absolute. */
  readonly preparedFolder: string;
  /** Whether one avatar that cannot be used is reason enough to give up; if not, the others are served. */
  readonly needsAll: boolean;
  /** Whether preparation is shown in the terminal. */
  readonly showsProgress: boolean;
  /** Most avatars that may be added while the server runs. */
  readonly maxAdded: number;
  readonly log: Log;
  /** `AvatarStore.open` unless a test has its own. */
  readonly openStore?: (options: AvatarStoreOptions) => Promise<Pick<AvatarStore, 'add'>>;
}

/** An avatar that somebody adds while the server runs. */
export interface AddedAvatar {
  /** `[A-Za-z0-9_-]{1,64}`. */
  readonly id: string;
  /** As the client wrote it. */
  readonly videoPath: string;
  /** Absolute path of a video, an image or a folder of either. */
  readonly videoFile: string;
}

/**
 * The avatars on their way into memory, one after the other, and how far each is: those of the configuration, then those that
 * clients add. An added one takes some 100 MB and stays until the server ends; there may be {@link AvatarLoadingOptions.maxAdded}.
 */
export class AvatarLoading implements AvatarGallery {
  readonly #entries: readonly AvatarSettings[];
  readonly #options: AvatarLoadingOptions;
  readonly #log: Log;
  readonly #bars = new Map<string, (share: number) => void>();
  readonly #progress = new Map<string, AvatarProgress>();
  readonly #ready: Avatar[] = [];
  /** Avatars that were added, by id, until their preparation fails. */
  readonly #added = new Map<string, { readonly videoFile: string; readonly avatar: Promise<Avatar> }>();
  /** Null until {@link load} has begun. */
  #loader: Loader | null = null;

  constructor(entries: readonly AvatarSettings[], options: AvatarLoadingOptions) {
    this.#entries = entries;
    this.#options = options;
    this.#log = options.log;
    for (const { id } of entries) this.#set(id, 'waiting', 0);
  }

  ready(): readonly Avatar[] {
    return this.#ready;
  }

  progress(): readonly AvatarProgress[] {
    return [...this.#progress.values()];
  }

  /**
   * Prepares and loads all. One that fails is told in the log and by {@link progress}.
   *
   * @param onReady Called with each avatar before it is listed as ready.
   * @param signal Once it is aborted no further avatar is begun.
   * @throws {AppError} `avatar_invalid` if there is none that can be used, or if one cannot and all are needed.
   */
  async load(onReady: (avatar: Avatar) => void, signal: AbortSignal): Promise<void> {
    const openStore = this.#options.openStore ?? ((options) => AvatarStore.open([], options));
    const store = await openStore({
      preparedFolder: this.#options.preparedFolder,
      onProgress: (id, share) => this.#showProgress(id, share),
      onSeveralFaces: (avatarId, faceCount) =>
        this.#log.warn({ avatarId, faceCount }, 'an avatar shows more than one face; the largest is used'),
    });
    this.#loader = { store, onReady };
    for (const entry of this.#entries) if (!signal.aborted) await this.#loadOne(this.#loader, entry).catch(() => {});
    if (signal.aborted) return;
    const problems = this.progress().flatMap(({ problem }) => (problem === null ? [] : [problem]));
    if (this.#ready.length === 0)
      throw new AppError('avatar_invalid', ['No avatar can be used.', ...problems].join('\n'));
    if (problems.length > 0 && this.#options.needsAll) throw new AppError('avatar_invalid', problems.join('\n'));
  }

  /**
   * Prepares and loads one more, which takes half a minute and is told by {@link progress}. The same one again is no second work.
   *
   * @throws {AppError} `avatar_exists` if the id stands for another video; `server_full` if no more may be added; `not_ready`
   *   before an engine runs; as `prepareAvatar` does, and then it may be tried again.
   */
  async add({ id, videoPath, videoFile }: AddedAvatar): Promise<Avatar> {
    const configured = this.#entries.find((entry) => entry.id === id);
    const known = configured ?? this.#added.get(id);
    if (known && known.videoFile !== videoFile) {
      throw new AppError('avatar_exists', `Avatar ${id} exists already and has another video; choose another id.`);
    }
    if (configured) return findAvatar(this, id);
    return (this.#added.get(id) ?? this.#begin({ ...ADDED, id, name: id, videoPath, videoFile })).avatar;
  }

  #begin(entry: AvatarSettings) {
    const { maxAdded } = this.#options;
    if (!this.#loader) throw new AppError('not_ready', 'The server is starting; try again in a few seconds.');
    if (this.#added.size >= maxAdded) {
      throw new AppError(
        'server_full',
        `${maxAdded} avatars were added already; no more may be (media.max_added_avatars).`,
      );
    }
    // What became of earlier tries is of no interest any more, and must not pile up.
    for (const { id, state } of this.progress()) {
      if (state === 'failed' && !this.#entries.some((each) => each.id === id)) this.#progress.delete(id);
    }
    const avatar = this.#loadOne(this.#loader, entry);
    const added = { videoFile: entry.videoFile, avatar };
    this.#added.set(entry.id, added);
    avatar.catch(() => this.#added.delete(entry.id));
    return added;
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
  async #loadOne({ store, onReady }: Loader, entry: AvatarSettings): Promise<Avatar> {
    const { id } = entry;
    const startedMs = performance.now();
    this.#set(id, 'preparing', 0);
    try {
      const avatar = await store.add(entry);
      onReady(avatar);
      this.#ready.push(avatar);
      this.#set(id, 'ready', 1);
      this.#log.info({ avatarId: id, tookMs: Math.round(performance.now() - startedMs) }, 'avatar is ready');
      return avatar;
    } catch (error) {
      const { code, message } = describeError(error);
      const problem = `Failed to initialize avatar ${id}: ${message}`;
      this.#set(id, 'failed', 0, problem);
      this.#log.error(code === 'internal' ? { avatarId: id, err: error } : { avatarId: id }, problem);
      throw error;
    }
  }

  #set(id: string, state: AvatarProgress['state'], share: number, problem: string | null = null): void {
    this.#progress.set(id, { id, state, share, problem });
  }
}
