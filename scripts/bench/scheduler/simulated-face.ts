import { FRAME_MS } from '../../../server/audio/pcm.ts';
import type { FrameOutcome } from '../../../server/scheduler/frame-job.ts';

/** As a session does it (session/picture-line.ts): a picture that is late is replaced by the one before it, three times at most. */
const LONGEST_REPEAT_FRAMES = 3;

/** What the viewer of one session sees while it talks: when mouths are new, and when the face rests. */
export class SimulatedFace {
  /** Times from one new mouth to the next within an utterance, ms. */
  readonly gapsMs: number[] = [];
  /** When mouths that are new, and mouths new or held, were seen, ms. */
  readonly newMs: number[] = [];
  readonly mouthsMs: number[] = [];
  frames = 0;
  late = 0;
  #repeats = 0;
  #lastNewMs = Number.NaN;

  /** An utterance begins: the time since the last one is no gap. */
  beginUtterance(): void {
    this.#lastNewMs = Number.NaN;
  }

  /** The picture of one frame leaves. `outcome` is null if nothing has come back for it. */
  show(atMs: number, outcome: FrameOutcome | null): void {
    this.frames += 1;
    if (outcome === 'drawn' || outcome === 'closed') {
      if (!Number.isNaN(this.#lastNewMs)) this.gapsMs.push(atMs - this.#lastNewMs);
      this.#lastNewMs = atMs;
      this.newMs.push(atMs);
      this.mouthsMs.push(atMs);
      this.#repeats = 0;
      return;
    }
    if (outcome === 'late' || outcome === null) this.late += 1;
    if (outcome === 'failed' || outcome === 'resting') this.#repeats = LONGEST_REPEAT_FRAMES;
    const stays = outcome === 'late' || outcome === 'held' || outcome === null;
    this.#repeats += 1;
    if (stays && this.#repeats <= LONGEST_REPEAT_FRAMES) this.mouthsMs.push(atMs);
  }

  /** Share of its pictures that showed the avatar's closed mouth instead of one that speaks. */
  get restShare(): number {
    return 1 - this.mouthsMs.length / this.frames;
  }

  /** New mouths a second of talking. */
  get mouthsPerSecond(): number {
    return (this.newMs.length * 1000) / (this.frames * FRAME_MS);
  }
}
