import type { Avatar } from './avatars/avatar.ts';
import { AvatarStore } from './avatars/avatar-store.ts';
import type { AvatarSettings } from './config/avatars-file.ts';
import { AppError, describeError } from './errors.ts';
import type { AvatarGallery, AvatarProgress } from './http/avatar-gallery.ts';
import type { Log } from './log.ts';
import { progressBar } from './progress-bar.ts';

export interface AvatarLoadingOptions {
  /** Absolute. */
  readonly preparedFolder: string;
  /** Whether one avatar that cannot be used is reason enough to give up; if not, the others are served. */
  readonly needsAll: boolean;
  /** Whether preparation is shown in the terminal. */
  readonly showsProgress: boolean;
  readonly log: Log;
}

/** The configured avatars on their way into memory, one after the other, and how far each is. */
export class AvatarLoading implements AvatarGallery {
  readonly #entries: readonly AvatarSettings[];
  readonly #options: AvatarLoadingOptions;
  readonly #log: Log;
  readonly #bars = new Map<string, (share: number) => void>();
  readonly #progress = new Map<string, AvatarProgress>();
  readonly #ready: Avatar[] = [];

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
    const store = await AvatarStore.open([], {
      preparedFolder: this.#options.preparedFolder,
      onProgress: (id, share) => this.#showProgress(id, share),
      onSeveralFaces: (avatarId, faceCount) =>
        this.#log.warn({ avatarId, faceCount }, 'an avatar shows more than one face; the largest is used'),
    });
    for (const entry of this.#entries) if (!signal.aborted) await this.#loadOne(store, entry, onReady);
    if (signal.aborted) return;
    const problems = this.progress().flatMap(({ problem }) => (problem === null ? [] : [problem]));
    if (this.#ready.length === 0)
      throw new AppError('avatar_invalid', ['No avatar can be used.', ...problems].join('\n'));
    if (problems.length > 0 && this.#options.needsAll) throw new AppError('avatar_invalid', problems.join('\n'));
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

  async #loadOne(store: AvatarStore, entry: AvatarSettings, onReady: (avatar: Avatar) => void): Promise<void> {
    const { id } = entry;
    const startedMs = performance.now();
    this.#set(id, 'preparing', 0);
    try {
      const avatar = await store.add(entry);
      onReady(avatar);
      this.#ready.push(avatar);
      this.#set(id, 'ready', 1);
      this.#log.info({ avatarId: id, tookMs: Math.round(performance.now() - startedMs) }, 'avatar is ready');
    } catch (error) {
      const { code, message } = describeError(error);
      const problem = `Failed to initialize avatar ${id}: ${message}`;
      this.#set(id, 'failed', 0, problem);
      this.#log.error(code === 'internal' ? { avatarId: id, err: error } : { avatarId: id }, problem);
    }
  }

  #set(id: string, state: AvatarProgress['state'], share: number, problem: string | null = null): void {
    this.#progress.set(id, { id, state, share, problem });
  }
}
