import { availableParallelism } from 'node:os';
import { CHUNK_MS } from '../audio/pcm.ts';
import type { Avatar } from '../avatars/avatar.ts';
import { computeBudgetMs, type EngineReport, type EngineSpec, type StartProgress } from '../engines/engine.ts';
import { type EngineChoice, engineSpec } from '../engines/registry.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { processTimers } from '../timers.ts';
import { BATCH_SIZES } from './batch-times.ts';
import { DeviceLine } from './device-line.ts';
import { EngineThread, type EngineThreadOptions } from './engine-thread.ts';
import type { FrameJob, FrameOutcome, FrameScheduler } from './frame-job.ts';
import type { Sharing } from './job-line.ts';
import { ProcessorLine } from './processor-line.ts';

/** Time from a frame's last sound to its picture, where nobody says otherwise, ms. */
const COMPUTE_BUDGET_MS = 20;

export interface SchedulerOptions {
  readonly engine: EngineChoice;
  /** Threads of an engine that runs on the CPU; 0 means one for every two cores, at least two if there are so many. An engine on a GPU has one. */
  readonly workers: number;
  /** Time from a frame's last sound to its picture, ms; an engine may ask for more. Default 20. */
  readonly computeBudgetMs?: number;
  readonly avatars: readonly Avatar[];
  /** Called while the engine starts. */
  readonly onProgress?: (progress: StartProgress) => void;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Shares the engine's threads among all sessions. A session stays on one thread, because an engine may keep state for it;
 * within a thread the earliest deadline goes first.
 */
export class Scheduler implements FrameScheduler {
  readonly spec: EngineSpec;
  readonly #threads: readonly EngineThread[];
  readonly #avatars: Map<string, Avatar>;
  readonly #threadOf = new Map<string, EngineThread>();

  private constructor(spec: EngineSpec, threads: readonly EngineThread[], avatars: Map<string, Avatar>) {
    this.spec = spec;
    this.#threads = threads;
    this.#avatars = avatars;
  }

  /** @throws {AppError} `engine_failed` if the engine cannot start; nothing is left running then. */
  static async open(options: SchedulerOptions): Promise<Scheduler> {
    const spec = await engineSpec(options.engine);
    const avatars = new Map(options.avatars.map((avatar) => [avatar.id, avatar]));
    const cores = availableParallelism();
    const count = spec.device === 'gpu' ? 1 : options.workers || Math.min(cores, Math.max(2, Math.floor(cores / 2)));
    const { engine, onProgress, log, metrics } = options;
    const opened = await Promise.allSettled(
      Array.from({ length: count }, () =>
        EngineThread.open({ engine, avatars, ...lineOf(spec, options), onProgress, log, metrics }),
      ),
    );
    const threads = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const refused = opened.find((result) => result.status === 'rejected');
    if (refused) {
      await Promise.all(threads.map((thread) => thread.close()));
      throw refused.reason;
    }
    return new Scheduler(spec, threads, avatars);
  }

  get capacity(): number | null {
    const [{ capacity }] = this.#threads;
    return capacity;
  }

  /** What computes behind the engine; null for one that does not tell. */
  get report(): EngineReport | null {
    const [{ report }] = this.#threads;
    return report;
  }

  /** How the engine's device is shared out among the sessions that talk; null for an engine without. */
  get sharing(): Sharing | null {
    const [{ sharing }] = this.#threads;
    return sharing;
  }

  /** The longest that a job has been waiting for its thread, ms. */
  get waitingMs(): number {
    return Math.max(...this.#threads.map((thread) => thread.waitingMs));
  }

  submit(job: FrameJob): Promise<FrameOutcome> {
    return this.#thread(job.sessionId).submit(job);
  }

  endSession(sessionId: string): void {
    this.#threadOf.get(sessionId)?.endSession(sessionId);
    this.#threadOf.delete(sessionId);
  }

  /** Makes an avatar known to all threads, those included that restart later. */
  addAvatar(avatar: Avatar): void {
    this.#avatars.set(avatar.id, avatar);
    for (const thread of this.#threads) thread.post({ type: 'add_avatar', avatar });
  }

  /** Lets all threads forget an avatar that no session shows, so that its memory is freed. */
  removeAvatar(avatarId: string): void {
    this.#avatars.delete(avatarId);
    for (const thread of this.#threads) thread.post({ type: 'remove_avatar', avatarId });
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
    this.#threadOf.clear();
  }

  /** The session's thread; a session whose thread is down or stalled moves to a healthy one if there is any. */
  #thread(sessionId: string): EngineThread {
    const current = this.#threadOf.get(sessionId);
    if (current?.isHealthy) return current;
    const healthy = this.#threads.filter((thread) => thread.isHealthy);
    if (healthy.length === 0) return current ?? this.#threads[0];
    const load = (thread: EngineThread): number => [...this.#threadOf.values()].filter((t) => t === thread).length;
    const chosen = healthy.reduce((best, thread) => (load(thread) < load(best) ? thread : best));
    this.#threadOf.set(sessionId, chosen);
    return chosen;
  }
}

/** How the jobs of an engine's thread are put in line: as a processor takes them, or in batches as a device does. */
function lineOf(
  spec: EngineSpec,
  { computeBudgetMs: configuredMs = COMPUTE_BUDGET_MS, log, metrics }: SchedulerOptions,
): Pick<EngineThreadOptions, 'warmUp' | 'makeLine'> {
  const { maxBatch } = spec;
  const timers = processTimers;
  if (spec.device === 'cpu') {
    return { warmUp: [], makeLine: (send) => new ProcessorLine({ maxBatch, send, timers, metrics }) };
  }
  // A picture may follow its sound by one chunk.
  const dueAfterMs = computeBudgetMs(spec, configuredMs) + CHUNK_MS;
  return {
    warmUp: BATCH_SIZES.filter((size) => size <= maxBatch),
    makeLine: (send, onSick) => new DeviceLine({ dueAfterMs, send, onSick, timers, metrics, log }),
  };
}
