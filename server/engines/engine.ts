import type { Avatar } from '../avatars/avatar.ts';
import type { PixelBox } from '../avatars/compose.ts';

/**
 * The eight numbers between voice and picture, each 0..1: jaw, lower lip, upper lip, spread, round, press (closed lips of
 * p b m), tuck (lower lip under the teeth of f v), tongue.
 */
export const MOUTH_PARAMETERS = ['jaw', 'lower', 'upper', 'spread', 'round', 'press', 'tuck', 'tongue'] as const;

export type MouthParameter = (typeof MOUTH_PARAMETERS)[number];

/** What an engine wants to know about the speech around one video frame. */
export interface FeatureSpec {
  /** `log-mel`: rows of 80 log-mel bins every 10 ms (audio/log-mel.ts). `none`: nothing. */
  readonly kind: 'log-mel' | 'none';
  /** Sound wanted before the frame begins, in ms; a multiple of 10. */
  readonly historyMs: number;
  /** Sound wanted after the frame has ended, in ms; a multiple of 20, because it is waited for in whole chunks. */
  readonly lookAheadMs: number;
}

export interface EngineSpec {
  readonly id: string;
  readonly features: FeatureSpec;
  /** Side of the overlay that the engine draws, in pixels. */
  readonly patchSizePx: number;
  /** Most jobs that one call of `infer` takes. */
  readonly maxBatch: number;
  /** True if frames of a session must come in order to the same engine instance. */
  readonly isStateful: boolean;
  /** `cpu`: one instance for every two cores. `gpu`: one per device. */
  readonly device: 'cpu' | 'gpu';
  /**
   * Least time from a frame's last sound to its picture that this engine is of use with, ms, a multiple of 5: on a device that
   * draws many mouths at once, a batch waits for the one before it. Default: what is configured.
   */
  readonly computeBudgetMs?: number;
}

/** One mouth to draw. */
export interface MouthJob {
  readonly sessionId: string;
  /** Interrupt generation; when it rises, the engine forgets the session's state. */
  readonly generation: number;
  readonly avatarId: string;
  /** Clip and picture of the avatar that the mouth is drawn on. */
  readonly clipName: string;
  readonly clipFrame: number;
  /**
   * Row-major float32 `[(historyMs + 40 + lookAheadMs) / 10, 80]` by the engine's `FeatureSpec`; empty for kind `none`.
   * Borrowed: it may change once the promise settles.
   */
  readonly features: Float32Array;
}

/**
 * What an engine drew, in mouth-crop coordinates. The picture is `alpha·overlay + (1−alpha)·warp(avatar's own pixels)`, so
 * an engine that moves the skin, one that paints pixels, and one that does both speak the same language.
 */
export interface MouthPatch {
  /** Nodes per side of `flow`; node (i, j) lies at crop coordinates `i·128/(gridSize−1)`, `j·128/(gridSize−1)`. */
  readonly gridSize: number;
  /**
   * float32 `gridSize × gridSize × 2`, in crop pixels: the pixel at (u, v) is taken from (u + du, v + dv). Zero at the border.
   * Null if nothing moves. Borrowed until the next call of `infer`.
   */
  readonly flow: Float32Array | null;
  /** Side of `overlay` in pixels; it covers the whole crop. */
  readonly sizePx: number;
  /** RGBA8, straight alpha, `sizePx × sizePx × 4`. Null if nothing is painted. Borrowed until the next call of `infer`. */
  readonly overlay: Uint8Array | null;
  /** What of `overlay` is not transparent, if the engine knows. Borrowed like it. */
  readonly painted?: PixelBox;
  /** The {@link MOUTH_PARAMETERS} behind the picture, if the engine has such. */
  readonly parameters: Float32Array | null;
}

/** Draws mouths. Lives in a worker thread, knows no session, clock or picture size. */
export interface Engine {
  readonly spec: EngineSpec;
  /** Makes an avatar known. Called before the first job that names it; a second call replaces it. */
  addAvatar(avatar: Avatar): Promise<void>;
  /** Lets go of an avatar and what was made of it; jobs that name it are refused from now on. Idempotent. */
  removeAvatar(avatarId: string): void;
  /**
   * Draws one mouth per job.
   *
   * @param jobs 1 to `maxBatch` jobs from any mix of sessions and avatars.
   * @returns One patch per job in the order of `jobs`; null where the avatar's own closed mouth is the answer.
   * @throws {AppError} `avatar_not_found` if a job names an unknown avatar; `engine_failed` if a model run fails. No partial
   *   results: one bad job fails the call, and the call alone.
   */
  infer(jobs: readonly MouthJob[]): Promise<(MouthPatch | null)[]>;
  /**
   * Draws `count` mouths of made-up input and forgets them, so that the next batch of that size takes no longer than any other.
   * Needed of an engine on a `gpu`: how long this takes is how many sessions the device is taken to carry.
   * @throws {AppError} `engine_failed` if a model run fails.
   */
  warmUp?(count: number): Promise<void>;
  /** Forgets a session's state. */
  endSession(sessionId: string): void;
  /** Releases models. Idempotent. */
  close(): Promise<void>;
}
