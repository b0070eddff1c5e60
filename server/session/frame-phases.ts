import { FRAME_MS } from '../audio/pcm.ts';

/** Moments within the time of a frame at which sessions begin theirs; their chunks of sound then all begin together. */
const PHASES = 2;
const PHASE_MS = FRAME_MS / PHASES;

/**
 * Gives each session its place in the time of a frame. Sessions of one place take their steps together: waking a thread costs as
 * much as drawing a third of a mouth, and one that wakes for a session serves them all. The places are filled evenly, so that
 * no more than half of them wait for each other.
 */
export class FramePhases {
  readonly #sessions = new Uint32Array(PHASES);

  /**
   * Takes a place.
   * @param nowMs Monotonic.
   * @returns When the session's first frame begins: less than a frame's time from now.
   */
  take(nowMs: number): number {
    const first = Math.ceil(nowMs / PHASE_MS);
    let best = first;
    for (let slot = first; slot < first + PHASES; slot += 1) {
      if (this.#sessions[slot % PHASES] < this.#sessions[best % PHASES]) best = slot;
    }
    this.#sessions[best % PHASES] += 1;
    return best * PHASE_MS;
  }

  /** Gives back the place that `take` gave. */
  leave(originMs: number): void {
    this.#sessions[Math.round(originMs / PHASE_MS) % PHASES] -= 1;
  }
}
