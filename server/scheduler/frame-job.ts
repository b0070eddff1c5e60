import type { EngineSpec } from '../engines/engine.ts';

/** One frame that a session wants drawn. */
export interface FrameJob {
  readonly sessionId: string;
  readonly generation: number;
  /** See `MouthJob.frame`. */
  readonly frame: number;
  readonly avatarId: string;
  readonly clipName: string;
  readonly clipFrame: number;
  /** See `MouthJob.features`. Transferred: do not touch it after the call. */
  readonly features: Float32Array;
  /** When the picture is wanted, `nowMs` time. A job that cannot be done by then is not run. */
  readonly dueMs: number;
  /** Memory for the I420 picture. Lent until the promise settles. */
  readonly picture: SharedArrayBuffer;
  /**
   * Memory for the `MOUTH_PARAMETERS` of a drawn picture, float32; left as it is by an engine without such. Lent until the
   * promise settles. Null if nobody asks for them.
   */
  readonly mouth: SharedArrayBuffer | null;
  /** Called if the device stands still with this job: the picture will not be there in time, but its memory stays lent. */
  readonly onStandstill?: () => void;
}

/**
 * `drawn`: the picture is there. `closed`: the avatar's own frame is the picture. `late`: not run, its time was over.
 * `failed`: the engine is down or refused. Where a device is shared by more sessions than it can draw, `held`: the mouth before
 * this one stays, and `resting`: the face rests until its turn comes. Late and failed are values, not exceptions.
 */
export type FrameOutcome = 'drawn' | 'closed' | 'late' | 'failed' | 'held' | 'resting';

/** What a session needs of the scheduler. */
export interface FrameScheduler {
  readonly spec: EngineSpec;
  /** Talking sessions that the engine was measured to carry at once; null or absent where nobody measured. */
  readonly capacity?: number | null;
  /** Never rejects. */
  submit(job: FrameJob): Promise<FrameOutcome>;
  endSession(sessionId: string): void;
}
