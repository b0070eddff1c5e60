import type { Avatar } from '../avatars/avatar.ts';
import type { EngineReport, StartProgress } from '../engines/engine.ts';
import type { EngineChoice } from '../engines/registry.ts';

/** What an engine worker is started with. */
export interface WorkerStart {
  readonly engine: EngineChoice;
  readonly avatars: readonly Avatar[];
  /** Sizes of batches to warm up, smallest first; empty for an engine that needs none. */
  readonly warmUp: readonly number[];
}

/** How long a device takes for a batch that is filled up to `size`. */
export interface BatchTime {
  readonly size: number;
  readonly ms: number;
}

/** One frame to draw, as it crosses threads. Pixels are in `picture`, which both sides share. */
export interface WireJob {
  readonly sessionId: string;
  readonly generation: number;
  readonly frame: number;
  readonly avatarId: string;
  readonly clipName: string;
  readonly clipFrame: number;
  /** Transferred. */
  readonly features: Float32Array;
  /** Where the finished I420 picture goes. Written by the worker alone until it answers. */
  readonly picture: SharedArrayBuffer;
  /** Where the mouth's parameters go, if somebody asks for them; as `picture`. */
  readonly mouth: SharedArrayBuffer | null;
}

export type ToWorker =
  | { readonly type: 'infer'; readonly batchId: number; readonly jobs: readonly WireJob[] }
  | { readonly type: 'add_avatar'; readonly avatar: Avatar }
  | { readonly type: 'remove_avatar'; readonly avatarId: string }
  | { readonly type: 'end_session'; readonly sessionId: string }
  | { readonly type: 'stop' };

/** `drawn`: the picture is in the job's memory. `closed`: the avatar's own frame, mouth closed, is the picture. `failed`: neither. */
export type Drawing = 'drawn' | 'closed' | 'failed';

export type FromWorker =
  /** `batchTimes`: what warming up took, for as many of the sizes as the device has memory and speed for. */
  | { readonly type: 'ready'; readonly batchTimes: readonly BatchTime[]; readonly report: EngineReport | null }
  | { readonly type: 'starting'; readonly progress: StartProgress }
  | { readonly type: 'start_failed'; readonly message: string }
  | { readonly type: 'avatar_refused'; readonly avatarId: string; readonly message: string }
  | {
      readonly type: 'inferred';
      readonly batchId: number;
      readonly drawings: readonly Drawing[];
      /** What went wrong, once per call of the engine that failed and once per mouth that cannot be shown. */
      readonly failures: readonly string[];
      /** What was wrong with jobs that the engine was not asked for: they name what is not there. */
      readonly refusals: readonly string[];
      readonly inferMs: number;
      readonly composeMs: number;
    };
