import { Worker } from 'node:worker_threads';
import type { Avatar } from '../avatars/avatar.ts';
import type { EngineReport, StartProgress } from '../engines/engine.ts';
import type { EngineChoice } from '../engines/registry.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { FrameJob, FrameOutcome } from './frame-job.ts';
import type { JobLine, SendBatch, Sharing } from './job-line.ts';
import type { FromWorker, ToWorker, WireJob, WorkerStart } from './messages.ts';

const FIRST_RESTART_MS = 200;
/** A device that comes back is found again within this and the time that its engine takes to start. */
const LAST_RESTART_MS = 1_000;
const STOP_LIMIT_MS = 3_000;
/** Between two steps of an engine that starts: opening a graph of gigabytes was seen to take 86 s on a busy processor. */
const START_LIMIT_MS = 300_000;

export interface EngineThreadOptions {
  readonly engine: EngineChoice;
  readonly avatars: ReadonlyMap<string, Avatar>;
  /** Sizes of batches to warm up; empty for an engine that needs none. */
  readonly warmUp: readonly number[];
  /** Makes the line of jobs for this thread. `remake` is to be called when only an engine made anew can help. */
  readonly makeLine: (send: SendBatch, remake: () => void) => JobLine;
  /** Called while the engine starts. */
  readonly onProgress?: (progress: StartProgress) => void;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * One worker thread with one engine instance, restarted when it dies. While it is down every job answers `failed` at once,
 * so its sessions show the static face.
 */
export class EngineThread {
  readonly #options: EngineThreadOptions;
  readonly #line: JobLine;
  #state: 'starting' | 'running' | 'down' | 'closed' = 'starting';
  #worker: Worker | null = null;
  #report: EngineReport | null = null;
  #restartMs = FIRST_RESTART_MS;
  #restartTimer: NodeJS.Timeout | null = null;
  /** Why it did not come back the last time. */
  #absence: string | null = null;

  private constructor(options: EngineThreadOptions) {
    this.#options = options;
    this.#line = options.makeLine(this.#send, () => this.#remake());
  }

  /**
   * Starts the worker and waits until its engine is ready.
   * @throws {AppError} `engine_failed` with the engine's own words if it cannot start.
   */
  static async open(options: EngineThreadOptions): Promise<EngineThread> {
    const thread = new EngineThread(options);
    try {
      await thread.#start();
    } catch (error) {
      await thread.close();
      throw error;
    }
    return thread;
  }

  get isHealthy(): boolean {
    return this.#state === 'running' && !this.#line.isStalled;
  }

  /** How long the job that is due first has waited for the worker, ms; 0 when none waits. */
  get waitingMs(): number {
    return this.#line.waitingMs;
  }

  /** Talking sessions that the thread was measured to carry; null where nobody measured. */
  get capacity(): number | null {
    return this.#line.capacity;
  }

  /** How the thread is shared out among the sessions that talk; null where that is not measured. */
  get sharing(): Sharing | null {
    return this.#line.sharing;
  }

  /** What computes behind the engine; null for one that does not tell. */
  get report(): EngineReport | null {
    return this.#report;
  }

  submit(job: FrameJob): Promise<FrameOutcome> {
    if (this.#state !== 'running') return Promise.resolve('failed');
    return new Promise((resolve) => this.#line.add(job, resolve));
  }

  endSession(sessionId: string): void {
    this.#line.endSession(sessionId);
    this.post({ type: 'end_session', sessionId });
  }

  post(message: ToWorker): void {
    if (this.#state === 'running') this.#worker?.postMessage(message);
  }

  /** Lets the batch under way finish, releases the engine and ends the thread. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    if (this.#restartTimer) clearTimeout(this.#restartTimer);
    this.#line.failAll();
    const worker = this.#worker;
    if (!worker) return;
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    worker.postMessage({ type: 'stop' } satisfies ToWorker);
    // Never terminate(): ending a thread in the middle of a model run aborts the whole process.
    let limit: NodeJS.Timeout | undefined;
    const timedOut = new Promise<void>((resolve) => {
      limit = setTimeout(() => {
        worker.unref();
        this.#options.log.warn({ limitMs: STOP_LIMIT_MS }, 'engine worker did not stop in time');
        resolve();
      }, STOP_LIMIT_MS);
    });
    await Promise.race([exited, timedOut]);
    clearTimeout(limit);
  }

  #start(): Promise<void> {
    const { engine, avatars, warmUp, log } = this.#options;
    const start: WorkerStart = { engine, avatars: [...avatars.values()], warmUp };
    const worker = new Worker(new URL('./engine-worker.ts', import.meta.url), { workerData: start });
    this.#worker = worker;
    return new Promise<void>((resolve, reject) => {
      const overdue = `engine ${engine.id} has not come further for ${START_LIMIT_MS} ms while it started`;
      const limit = setTimeout(() => reject(new AppError('timeout', overdue)), START_LIMIT_MS);
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') {
          clearTimeout(limit);
          if (this.#state === 'closed') return;
          this.#state = 'running';
          this.#restartMs = FIRST_RESTART_MS;
          this.#report = message.report;
          this.#line.start(message.batchTimes);
          resolve();
        } else if (message.type === 'starting') {
          limit.refresh();
          this.#options.onProgress?.(message.progress);
        } else if (message.type === 'start_failed') {
          clearTimeout(limit);
          reject(new AppError('engine_failed', `engine ${engine.id} cannot start: ${message.message}`));
        } else if (message.type === 'avatar_refused') {
          log.error({ avatarId: message.avatarId, reason: message.message }, 'the engine cannot use an avatar');
        } else {
          const [reason] = [...message.failures, ...message.refusals];
          // Not per frame: the counter tells how often, the log that it happens at all.
          if (reason !== undefined) log.debug({ reason }, 'engine refused jobs');
          this.#line.answer(message);
        }
      });
      worker.on('error', (error) => log.error({ err: error, engine: engine.id }, 'engine worker failed'));
      worker.on('exit', () => {
        clearTimeout(limit);
        reject(new AppError('engine_failed', `the worker of engine ${engine.id} ended while it started`));
        this.#onExit(worker);
      });
    });
  }

  readonly #send: SendBatch = (batchId, jobs) => {
    const wire = jobs.map(
      ({ sessionId, generation, frame, avatarId, clipName, clipFrame, features, picture, mouth }): WireJob => ({
        sessionId,
        generation,
        frame,
        avatarId,
        clipName,
        clipFrame,
        features,
        picture,
        mouth,
      }),
    );
    const features = wire.map((job) => job.features.buffer as ArrayBuffer);
    this.#worker?.postMessage({ type: 'infer', batchId, jobs: wire } satisfies ToWorker, features);
  };

  /** Ends the worker in good order; another one takes its place as if it had died. */
  #remake(): void {
    this.post({ type: 'stop' });
  }

  #onExit(worker: Worker): void {
    if (this.#worker === worker) this.#worker = null;
    this.#line.failAll();
    if (this.#state === 'closed') return;
    const wasRunning = this.#state === 'running';
    this.#state = 'down';
    this.#options.metrics.counter('engine_restarts').add();
    if (wasRunning) this.#restartMs = FIRST_RESTART_MS;
    this.#restartTimer = setTimeout(() => {
      this.#state = 'starting';
      this.#restartMs = Math.min(this.#restartMs * 2, LAST_RESTART_MS);
      this.#start().then(
        () => {
          this.#absence = null;
          this.#options.log.info({ engine: this.#options.engine.id }, 'engine is back');
        },
        (error) => this.#logAbsence(error),
      );
    }, this.#restartMs);
  }

  /** Tells once why the engine does not come back, and again when the reason is another. */
  #logAbsence(error: unknown): void {
    const reason = String(error);
    if (reason !== this.#absence) this.#options.log.error({ err: error }, 'engine did not come back');
    this.#absence = reason;
  }
}
