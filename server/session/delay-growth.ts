import { CHUNK_MS } from '../audio/pcm.ts';

/** How much the delay grows at a time, ms: by a chunk, so that sound and pictures stay on their grid; few pictures are later than that. */
export const DELAY_STEP_MS = CHUNK_MS;
/** So many times within so many frames that wanted a mouth (12 s of talk) a picture must be late: what happens seldom is worth no delay. */
const INCIDENTS = 4;
const WINDOW_FRAMES = 300;
/**
 * Late pictures no further apart than this from the first of them are one incident: the longest pause of the process that media
 * time makes up for is half a second, and what it has left undone is drawn a little later.
 */
const INCIDENT_FRAMES = 15;
/** Growth waits for a pause of the speech, in which nobody hears it, but no longer than this: 2 s. */
const PATIENCE_FRAMES = 50;

/**
 * Says when the delay of a session should grow, because pictures come too late again and again: as a jitter buffer does, it
 * gives up a little delay for good to stay smooth. It judges by what became of the frames alone and has no clock.
 */
export class DelayGrowth {
  readonly #mostMs: number;
  #grownMs = 0;
  /** Frames before this one were begun with less delay, and say nothing about the one there is now. */
  #firstFrame = 0;
  /** Frames that wanted a mouth since counting began, and which of them each incident began with. */
  #frames = 0;
  readonly #incidents: number[] = [];
  #wantedAtFrame: number | null = null;

  /** @param mostMs Growth that is allowed in all, ms; 0 for none. */
  constructor(mostMs: number) {
    this.#mostMs = mostMs;
  }

  /** How much the delay has grown so far, ms. */
  get grownMs(): number {
    return this.#grownMs;
  }

  /**
   * Takes what became of the next frame that wanted a mouth.
   * @param isLate Whether its picture was not there in time. One that was refused, held or failed is not late: waiting for it
   *   would not bring it.
   */
  note(frame: number, isLate: boolean): void {
    const isSettled = this.#wantedAtFrame !== null || this.#grownMs + DELAY_STEP_MS > this.#mostMs;
    if (isSettled || frame < this.#firstFrame) return;
    this.#frames += 1;
    const incidents = this.#incidents;
    const newest = incidents.at(-1) ?? Number.NEGATIVE_INFINITY;
    if (!isLate || this.#frames - newest < INCIDENT_FRAMES) return;
    incidents.push(this.#frames);
    if (incidents.length > INCIDENTS) incidents.shift();
    if (incidents.length === INCIDENTS && this.#frames - incidents[0] < WINDOW_FRAMES) this.#wantedAtFrame = frame;
  }

  /**
   * Whether the delay should grow now.
   * @param frame The one that is about to be sent.
   * @param isVoiced Whether somebody speaks in its sound.
   */
  isWanted(frame: number, isVoiced: boolean): boolean {
    if (this.#wantedAtFrame === null) return false;
    return !isVoiced || frame - this.#wantedAtFrame >= PATIENCE_FRAMES;
  }

  /** Says that the delay has grown by {@link DELAY_STEP_MS}. @param firstFrame The first frame that is begun with it. */
  grow(firstFrame: number): void {
    this.#grownMs += DELAY_STEP_MS;
    this.restart(firstFrame);
  }

  /** Counts anew, because something else draws. @param firstFrame The first frame that counts. */
  restart(firstFrame: number): void {
    this.#firstFrame = firstFrame;
    this.#frames = 0;
    this.#incidents.length = 0;
    this.#wantedAtFrame = null;
  }
}
