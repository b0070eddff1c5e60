import { FRAME_MS } from '../audio/pcm.ts';
import { avatarFrame } from '../avatars/avatar.ts';
import { type Frame, frameSizeBytes } from '../codecs/frame.ts';
import { MOUTH_PARAMETERS } from '../engines/engine.ts';
import type { Metrics } from '../metrics.ts';
import type { FrameOutcome, FrameScheduler } from '../scheduler/frame-job.ts';
import { crossFade } from './cross-fade.ts';
import type { DelayGrowth } from './delay-growth.ts';
import type { OwnFrame } from './idle-loops.ts';
import { MouthMeter } from './mouth-meter.ts';
import type { MouthReports } from './mouth-reports.ts';
import type { Scene } from './scenes.ts';

/** Pictures of a session that exist at once besides those under way at the engine: on show, being encoded. */
const SPARE_PICTURES = 4;
/** A late picture is replaced by the one before it, but not for longer than this; then the mouth is closed. */
const LONGEST_REPEAT_FRAMES = 3;

/** Counters of frames that are replaced, by outcome; those of all others are `frames_failed`. */
const REPLACED: Readonly<Record<string, string>> = {
  late: 'frames_late',
  crowded: 'frames_without_memory',
  held: 'frames_held',
  resting: 'frames_resting',
};

interface Picture {
  readonly memory: SharedArrayBuffer;
  readonly frame: Frame;
  /** The mouth's parameters, in shared memory; NaN if nobody asked for them or the engine has none. */
  readonly mouth: Float32Array<SharedArrayBuffer>;
  /** Holders: the engine while it draws, the line while it is the newest one shown, each encode. */
  holders: number;
}

interface Pending {
  readonly index: number;
  readonly generation: number;
  readonly own: Omit<Scene, 'state'>;
  picture: Picture | null;
  /** Whether the mouth moves: in silence nobody asks the engine. */
  readonly isTalking: boolean;
  /** `crowded`: all pictures were in use when it began. */
  outcome: FrameOutcome | 'waiting' | 'crowded';
}

export interface PictureLineOptions {
  readonly sessionId: string;
  /** Of every picture. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** Longest time that the engine has for a picture, ms. */
  readonly drawingMs: number;
  readonly scheduler: FrameScheduler;
  readonly metrics: Metrics;
  /** Learns which pictures come too late. */
  readonly growth: DelayGrowth;
  /** Learns what the mouth of each shown frame does. */
  readonly mouths: MouthReports;
  /**
   * Called once per frame, in order, with the finished picture, which must not be touched after the promise settles, and, if
   * it is the avatar's own, where it stands in the clip.
   */
  readonly show: (frameIndex: number, picture: Frame, own: OwnFrame | null) => Promise<void>;
}

/**
 * Gets a picture for every frame: from the engine, or, where that is late or fails, the picture before it or the avatar's own
 * closed mouth. No more drawn pictures exist than the time to draw them calls for; when all are in use the closed mouth is shown
 * and counted.
 */
export class PictureLine {
  readonly #options: PictureLineOptions;
  readonly #pictures: Picture[] = [];
  #mostPictures: number;
  #scheduler: FrameScheduler;
  readonly #meter: MouthMeter;
  readonly #pending: Pending[] = [];
  #shown: Picture | null = null;
  #repeats = 0;
  #isClosed = false;

  constructor(options: PictureLineOptions) {
    this.#options = options;
    this.#mostPictures = mostPictures(options.drawingMs);
    this.#scheduler = options.scheduler;
    this.#meter = new MouthMeter(options.metrics.histogram('mouth_gap_ms'));
  }

  /** New mouths a second while the avatar talks, measured; null before it did. */
  get mouthsPerSecond(): number | null {
    return this.#meter.perSecond;
  }

  /** Frames begun from now on are drawn by another engine; those under way are still taken from the one before. */
  setScheduler(scheduler: FrameScheduler, drawingMs: number): void {
    this.#scheduler = scheduler;
    this.setDrawingMs(drawingMs);
  }

  /** Sets the longest time that the engine has for a picture, ms. */
  setDrawingMs(drawingMs: number): void {
    this.#mostPictures = Math.max(this.#mostPictures, mostPictures(drawingMs));
  }

  /** Begins a frame whose mouth is closed. */
  beginClosed(index: number, generation: number, scene: Scene): void {
    this.#begin({ index, generation, own: scene, picture: null, isTalking: false, outcome: 'closed' });
  }

  /**
   * Begins a frame whose mouth the engine draws.
   * @param features Transferred to the engine.
   * @param dueMs When {@link settle} will be called for it.
   */
  beginDrawn(index: number, generation: number, scene: Scene, features: Float32Array, dueMs: number): void {
    const picture = this.#takePicture();
    const outcome = picture ? 'waiting' : 'crowded';
    const pending = this.#begin({ index, generation, own: scene, picture, isTalking: true, outcome });
    if (!picture) return;
    void this.#scheduler
      .submit({
        sessionId: this.#options.sessionId,
        generation,
        frame: index,
        avatarId: scene.avatar.id,
        clipName: scene.clip.name,
        clipFrame: scene.clipFrame,
        features,
        dueMs,
        picture: picture.memory,
        mouth: this.#options.mouths.isWanted ? picture.mouth.buffer : null,
        onStandstill: () => {
          this.#giveUp(pending, 'failed');
          this.#showSettled();
        },
      })
      .then((outcome) => {
        const isWanted = pending.outcome === 'waiting';
        if (isWanted) pending.outcome = outcome;
        if (!isWanted || outcome !== 'drawn') {
          pending.picture = null;
          picture.holders -= 1;
        }
        this.#showSettled();
      });
  }

  /** Says that the frames up to `index` can wait no longer: those that are not there are replaced. */
  settle(index: number): void {
    for (const pending of this.#pending) {
      if (pending.index <= index) this.#giveUp(pending, 'late');
    }
    this.#showSettled();
  }

  /** Forgets the picture that late ones would be replaced by, because it is of another avatar. */
  forget(): void {
    if (this.#shown) this.#shown.holders -= 1;
    this.#shown = null;
  }

  /** Frames begun before `generation` show the closed mouth. */
  interrupt(generation: number): void {
    for (const pending of this.#pending) {
      if (pending.generation >= generation) continue;
      if (pending.picture && pending.outcome === 'drawn') pending.picture.holders -= 1;
      pending.picture = null;
      pending.outcome = 'closed';
    }
    this.forget();
    this.#showSettled();
  }

  close(): void {
    this.#isClosed = true;
    this.#pending.length = 0;
  }

  /** Waits no longer for a picture. */
  #giveUp(pending: Pending, outcome: 'late' | 'failed'): void {
    if (pending.outcome !== 'waiting') return;
    pending.outcome = outcome;
    // The engine still draws into it: whoever waits for its answer gives it back.
    pending.picture = null;
  }

  #begin(pending: Pending): Pending {
    this.#pending.push(pending);
    this.#showSettled();
    return pending;
  }

  #showSettled(): void {
    while (!this.#isClosed && this.#pending.length > 0 && this.#pending[0].outcome !== 'waiting') {
      this.#show(this.#pending.shift() as Pending);
    }
  }

  #show(pending: Pending): void {
    const picture = this.#choose(pending);
    if (picture) picture.holders += 1;
    this.#options.mouths.note(pending.index, picture?.mouth ?? null);
    const { avatar, clip, clipFrame, before } = pending.own;
    const frame = picture?.frame ?? avatarFrame(avatar, clip, clipFrame);
    const shown = before ? crossFade(avatarFrame(avatar, before.clip, before.clipFrame), frame, before.share) : frame;
    void this.#options.show(pending.index, shown, picture || before ? null : pending.own).finally(() => {
      if (picture) picture.holders -= 1;
    });
  }

  /** The drawn picture to show, or null for the avatar's own frame. */
  #choose(pending: Pending): Picture | null {
    const { metrics } = this.#options;
    if (pending.isTalking) {
      this.#meter.note(pending.outcome === 'drawn' || pending.outcome === 'closed');
      this.#options.growth.note(pending.index, pending.outcome === 'late');
    } else this.#meter.pause();
    if (pending.outcome === 'drawn' && pending.picture) {
      metrics.counter('frames_drawn').add();
      this.forget();
      this.#shown = pending.picture; // keeps the hold that the engine had
      this.#repeats = 0;
      return pending.picture;
    }
    if (pending.outcome === 'closed') {
      metrics.counter('frames_closed').add();
      this.forget();
      return null;
    }
    metrics.counter(REPLACED[pending.outcome] ?? 'frames_failed').add();
    const stays = pending.outcome === 'late' || pending.outcome === 'held';
    if (stays && this.#shown && this.#repeats < LONGEST_REPEAT_FRAMES) {
      this.#repeats += 1;
      return this.#shown;
    }
    this.forget();
    return null;
  }

  #takePicture(): Picture | null {
    let picture = this.#pictures.find((candidate) => candidate.holders === 0);
    if (!picture && this.#pictures.length < this.#mostPictures) {
      const { widthPx, heightPx } = this.#options;
      const memory = new SharedArrayBuffer(frameSizeBytes(widthPx, heightPx));
      const mouth = new Float32Array(new SharedArrayBuffer(MOUTH_PARAMETERS.length * Float32Array.BYTES_PER_ELEMENT));
      picture = { memory, frame: { widthPx, heightPx, data: new Uint8Array(memory) }, mouth, holders: 0 };
      this.#pictures.push(picture);
    }
    if (!picture) return null;
    picture.holders = 1;
    picture.mouth.fill(Number.NaN);
    return picture;
  }
}

/** Pictures that may exist where the engine has so long for each. */
function mostPictures(drawingMs: number): number {
  return Math.round(drawingMs / FRAME_MS) + SPARE_PICTURES;
}

/** Longest time that a repeated picture stays, ms. */
export const LONGEST_REPEAT_MS = LONGEST_REPEAT_FRAMES * FRAME_MS;
