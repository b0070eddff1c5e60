import { FacePreparation } from './avatars/musetalk/face-preparation.ts';
import type { Manifest } from './avatars/prepared-files.ts';
import { describeError } from './errors.ts';
import type { Log } from './log.ts';
import type { GraphSource } from './models/open-graphs.ts';

/** Makes one avatar's data for MuseTalk, see `FacePreparation.prepare`. */
type Prepare = FacePreparation['prepare'];

export interface MuseTalkFacesOptions {
  readonly models: GraphSource;
  /** Whether MuseTalk draws now: only then are avatars made ready for it as they come. */
  readonly isWanted: () => boolean;
  readonly log: Log;
  /** `FacePreparation` unless a test has its own; called once per set of models. */
  readonly open?: (models: GraphSource) => { readonly prepare: Prepare };
}

/** What MuseTalk wants of the avatars beside what every engine does: made as they are prepared, or for all before it takes over. */
export class MuseTalkFaces {
  readonly #options: MuseTalkFacesOptions;
  /** Where each avatar that was prepared since the start lies. */
  readonly #prepared = new Map<string, { readonly folder: string; readonly manifest: Manifest }>();
  #faces: { readonly prepare: Prepare };

  constructor(options: MuseTalkFacesOptions) {
    this.#options = options;
    this.#faces = this.#open();
  }

  /** An avatar was prepared. @throws {AppError} as `FacePreparation.prepare`. */
  readonly complete: (...avatar: Parameters<Prepare>) => Promise<void> = async (...avatar) => {
    const [id, folder, manifest] = avatar;
    this.#prepared.set(id, { folder, manifest });
    if (this.#options.isWanted()) await this.#faces.prepare(...avatar);
  };

  /**
   * Makes avatars ready for the models that are there now. One that cannot be made so keeps its mouth closed, and the log says why.
   *
   * @param ids Of the avatars that are to be had; others are forgotten.
   * @param onProgress Called with 0..1.
   * @throws The signal's reason when it is aborted.
   */
  async prepareAll(ids: readonly string[], onProgress: (share: number) => void, signal: AbortSignal): Promise<void> {
    this.#faces = this.#open();
    for (const id of this.#prepared.keys()) if (!ids.includes(id)) this.#prepared.delete(id);
    const avatars = [...this.#prepared];
    for (const [at, [id, { folder, manifest }]] of avatars.entries()) {
      const tell = (share: number): void => onProgress((at + share) / avatars.length);
      try {
        await this.#faces.prepare(id, folder, manifest, tell, signal);
      } catch (error) {
        signal.throwIfAborted();
        this.#options.log.error(
          { avatarId: id, reason: describeError(error).message },
          'an avatar is not for MuseTalk',
        );
      }
    }
  }

  #open(): { readonly prepare: Prepare } {
    const { models, open = (source) => new FacePreparation(source) } = this.#options;
    return open(models);
  }
}
