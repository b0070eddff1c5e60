import { ClipSource } from './sources/clip-source.ts';
import type { Source } from './sources/source.ts';
import { loadWav } from './sources/wav-file.ts';

/** About eleven minutes of sound. */
const CAPACITY_BYTES = 128 * 1_048_576;

interface Clip {
  readonly samples: Promise<Float32Array>;
  /** 0 while it is being loaded. */
  sizeBytes: number;
}

/**
 * Audio clips in memory, once for all sessions. At most {@link CAPACITY_BYTES}, unless one clip alone is larger; beyond that
 * those go that were opened longest ago. A clip that plays keeps its sound until it ends.
 */
export class ClipLibrary {
  /** By path, the one opened longest ago first. */
  readonly #clips = new Map<string, Clip>();
  readonly #capacityBytes: number;
  readonly #load: (path: string) => Promise<Float32Array>;

  constructor(capacityBytes = CAPACITY_BYTES, load = loadWav) {
    this.#capacityBytes = capacityBytes;
    this.#load = load;
  }

  /**
   * @returns The clip from its beginning. Owned by the caller.
   * @throws {AppError} `media_unreadable`; the next call tries again.
   */
  async open(path: string): Promise<Source> {
    const clip = this.#clips.get(path) ?? { samples: this.#load(path), sizeBytes: 0 };
    this.#clips.delete(path);
    this.#clips.set(path, clip);
    try {
      const samples = await clip.samples;
      clip.sizeBytes = samples.byteLength;
      this.#makeRoom();
      return new ClipSource(samples);
    } catch (error) {
      this.#clips.delete(path);
      throw error;
    }
  }

  #makeRoom(): void {
    let sizeBytes = 0;
    for (const clip of this.#clips.values()) sizeBytes += clip.sizeBytes;
    for (const [path, clip] of this.#clips) {
      if (sizeBytes <= this.#capacityBytes || this.#clips.size === 1) return;
      sizeBytes -= clip.sizeBytes;
      this.#clips.delete(path);
    }
  }
}
