import { FRAME_MS } from '../audio/pcm.ts';
import { MOUTH_PARAMETERS, type MouthParameter } from '../engines/engine.ts';
import { VISEMES, type Viseme, visemeWeights } from '../engines/visemes.ts';

/** What the mouth does in one frame, for those who draw a face of their own. */
export interface MouthReport {
  /** Counted since media time began. */
  readonly frame: number;
  /** Media time at which the frame begins: `frame` · 40 ms. */
  readonly timeMs: number;
  /** Each 0..1; all 0 while the mouth is closed. */
  readonly parameters: Readonly<Record<MouthParameter, number>>;
  /** Each 0..1, their sum is 1; `sil` is 1 while the mouth is closed. */
  readonly visemes: Readonly<Record<Viseme, number>>;
}

const CLOSED_PARAMETERS = named(MOUTH_PARAMETERS, new Float32Array(MOUTH_PARAMETERS.length));
const CLOSED_VISEMES = named(VISEMES, Float32Array.of(1, ...new Float32Array(VISEMES.length - 1)));

/**
 * Tells listeners what the mouth does, at the time at which its frame is sent. Keeps one entry per frame that is shown but not
 * sent yet; without listeners it keeps and computes nothing.
 */
export class MouthReports {
  readonly #listeners = new Set<(report: MouthReport) => void>();
  /** In the order of frames. Emptied by `release`. */
  #waiting: { frame: number; parameters: Float32Array | null }[] = [];
  #released = Number.NEGATIVE_INFINITY;

  get isWanted(): boolean {
    return this.#listeners.size > 0;
  }

  /** @returns Ends the subscription. */
  subscribe(listener: (report: MouthReport) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (!this.isWanted) this.#waiting = [];
    };
  }

  /**
   * Takes down the mouth of a frame; frames come in order. One that was released before its picture was there is told at once.
   * @param parameters In the order of `MOUTH_PARAMETERS`, NaN if unknown; null if the mouth is closed. Borrowed for the call.
   */
  note(frame: number, parameters: Float32Array | null): void {
    if (!this.isWanted || (parameters && Number.isNaN(parameters[0]))) return;
    if (frame <= this.#released) this.#tell(frame, parameters);
    else this.#waiting.push({ frame, parameters: parameters && Float32Array.from(parameters) });
  }

  /** Says that `frame` is sent now. */
  release(frame: number): void {
    this.#released = frame;
    while (this.#waiting.length > 0 && this.#waiting[0].frame <= frame) {
      const noted = this.#waiting.shift();
      if (noted?.frame === frame) this.#tell(frame, noted.parameters);
    }
  }

  #tell(frame: number, parameters: Float32Array | null): void {
    const report = reportOf(frame, parameters);
    for (const listener of this.#listeners) listener(report);
  }
}

function reportOf(frame: number, parameters: Float32Array | null): MouthReport {
  const timeMs = frame * FRAME_MS;
  if (!parameters) return { frame, timeMs, parameters: CLOSED_PARAMETERS, visemes: CLOSED_VISEMES };
  return {
    frame,
    timeMs,
    parameters: named(MOUTH_PARAMETERS, parameters),
    visemes: named(VISEMES, visemeWeights(parameters)),
  };
}

function named<Name extends string>(names: readonly Name[], values: Float32Array): Record<Name, number> {
  return Object.fromEntries(names.map((name, i) => [name, values[i]])) as Record<Name, number>;
}
