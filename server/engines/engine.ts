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
  /** `log-mel`: rows of 80 log-mel bins every 10 ms (audio/log-mel.ts). `sound`: the samples themselves, at 16 kHz. `none`: nothing. */
  readonly kind: 'log-mel' | 'sound' | 'none';
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

/** Time from a frame's last sound to its picture that sessions of an engine are given, ms: what is configured, or more. */
export function computeBudgetMs(spec: EngineSpec, configuredMs: number): number {
  return Math.max(configuredMs, spec.computeBudgetMs ?? 0);
}

/** What computes behind an engine, for people to see. */
export interface EngineReport {
  /** The execution provider, or `remote` for another machine. */
  readonly provider: string;
  /** Why nothing faster computes. */
  readonly refusals: readonly { readonly provider: string; readonly reason: string }[];
  readonly models: readonly ModelReport[];
}

export interface ModelReport {
  readonly name: string;
  /** Such as `musetalk-1.5`. */
  readonly version: string;
  readonly precision: string;
  /** `random`: made to be tried without the published weights; what it draws is noise. */
  readonly weights: 'published' | 'random';
}

/** How far an engine is with starting: what is under way, and the share 0..1 that is done. */
export interface StartProgress {
  readonly step: string;
  readonly share: number;
}

/** One mouth to draw. */
export interface MouthJob {
  readonly sessionId: string;
  /** Interrupt generation; when it rises, the engine forgets the session's state. */
  readonly generation: number;
  /** Number of the session's video frame: how far two jobs are apart in time. */
  readonly frame: number;
  readonly avatarId: string;
  /** Clip and picture of the avatar that the mouth is drawn on. */
  readonly clipName: string;
  readonly clipFrame: number;
  /**
   * By the engine's `FeatureSpec`, of `ms = historyMs + 40 + lookAheadMs`: row-major float32 `[ms / 10, 80]` for kind `log-mel`,
   * `16·ms` samples for `sound`, empty for `none`.
   * Borrowed: it may change once the promise settles.
   */
  readonly features: Float32Array;
}

/** What an engine drew. */
export type MouthPatch = WarpPatch | BoxPatch;

/**
 * A mouth in mouth-crop coordinates. The picture is `alpha·overlay + (1−alpha)·warp(avatar's own pixels)`, so
 * an engine that moves the skin, one that paints pixels, and one that does both speak the same language.
 */
export interface WarpPatch {
  readonly kind: 'warp';
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

/** A whole face picture that goes into a box of the avatar's picture, as far as a mask lets it. */
export interface BoxPatch {
  readonly kind: 'box';
  /** Side of `picture` in pixels. */
  readonly sizePx: number;
  /** BGR8, `sizePx × sizePx × 3`; stretched over `box`. Borrowed until the next call of `infer`. */
  readonly picture: Uint8Array;
  /** Whole pixels of the avatar's picture, all of them within it. */
  readonly box: PixelBox;
  /** How much of each of the box's pixels is the drawn one, 0..255, row by row. Shared and never written. */
  readonly mask: Uint8Array;
  readonly parameters: null;
}

/** Draws mouths. Lives in a worker thread, knows no session, clock or picture size. */
export interface Engine {
  readonly spec: EngineSpec;
  /** Of an engine whose models are chosen when it starts. */
  readonly report?: EngineReport;
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
