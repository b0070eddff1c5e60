import { Worker } from 'node:worker_threads';
import type { Avatar } from '../avatars/avatar.ts';
import type { EngineChoice } from '../engines/registry.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import type { FrameJob, FrameOutcome } from './frame-job.ts';
import type { FromWorker, ToWorker, WireJob, WorkerStart } from './messages.ts';

/** Batches under way: the next one waits at the worker, so that it need not idle until this thread has time. */
const BATCHES_IN_FLIGHT = 2;
const QUEUE_CAPACITY = 256;
/** How much the newest trip counts in the mean time of a trip. */
const NEWEST_SHARE = 0.1;
/** Jobs that travel together, if the engine takes no more at once: it saves waking threads, but the first waits for the last. */
const JOBS_PER_TRIP = 2;
/** A worker that has not answered for this long counts as stalled: new sessions go elsewhere. */
const STALL_MS = 2_000;
const FIRST_RESTART_MS = 200;
const LAST_RESTART_MS = 5_000;
const STOP_LIMIT_MS = 3_000;
const START_LIMIT_MS = 60_000;

interface Waiting extends FrameJob {
  readonly submittedMs: number;
  readonly resolve: (outcome: FrameOutcome) => void;
}

interface Batch {
  readonly jobs: readonly Waiting[];
  readonly sentMs: number;
}

type Inferred = Extract<FromWorker, { readonly type: 'inferred' }>;

export interface EngineThreadOptions {
  readonly engine: EngineChoice;
  readonly maxBatch: number;
  readonly avatars: ReadonlyMap<string, Avatar>;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * One worker thread with one engine instance, restarted when it dies. While it is down every job answers `failed` at once,
 * so its sessions show the static face.
 */
export class EngineThread {
  readonly #options: EngineThreadOptions;
  readonly #queue = new DeadlineQueue<Waiting>(QUEUE_CAPACITY);
  readonly #inFlight = new Map<number, Batch>();
  #state: 'starting' | 'running' | 'down' | 'closed' = 'starting';
  #worker: Worker | null = null;
  #batchId = 0;
  #isDispatching = false;
  /** Mean time from sending a batch to its answer, waiting for the one before it included. */
  #tripMs = 0;
  #restartMs = FIRST_RESTART_MS;
  #restartTimer: NodeJS.Timeout | null = null;

  private constructor(options: EngineThreadOptions) {
    this.#options = options;
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
    if (this.#state !== 'running') return false;
    const oldest = this.#inFlight.values().next().value;
    return oldest === undefined || performance.now() - oldest.sentMs < STALL_MS;
  }

  /** How long the job that is due first has waited for the worker, ms; 0 when none waits. */
  get waitingMs(): number {
    const first = this.#queue.first;
    return first ? performance.now() - first.submittedMs : 0;
  }

  submit(job: FrameJob): Promise<FrameOutcome> {
    if (this.#state !== 'running') return Promise.resolve('failed');
    return new Promise((resolve) => {
      this.#queue.push({ ...job, submittedMs: performance.now(), resolve })?.resolve('late');
      this.#dispatchSoon();
    });
  }

  post(message: ToWorker): void {
    if (this.#state === 'running') this.#worker?.postMessage(message);
  }

  /** Lets the batch under way finish, releases the engine and ends the thread. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    if (this.#restartTimer) clearTimeout(this.#restartTimer);
    this.#failAll();
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
    const start: WorkerStart = { engine: this.#options.engine, avatars: [...this.#options.avatars.values()] };
    const worker = new Worker(new URL('./engine-worker.ts', import.meta.url), { workerData: start });
    this.#worker = worker;
    return new Promise<void>((resolve, reject) => {
      const limit = setTimeout(
        () => reject(new AppError('timeout', `engine ${start.engine.id} was not ready after ${START_LIMIT_MS} ms`)),
        START_LIMIT_MS,
      );
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') {
          clearTimeout(limit);
          if (this.#state === 'closed') return;
          this.#state = 'running';
          this.#restartMs = FIRST_RESTART_MS;
          resolve();
        } else if (message.type === 'start_failed') {
          clearTimeout(limit);
          reject(new AppError('engine_failed', `engine ${start.engine.id} cannot start: ${message.message}`));
        } else {
          this.#settle(message);
        }
      });
      worker.on('error', (error) => {
        this.#options.log.error({ err: error, engine: start.engine.id }, 'engine worker failed');
      });
      worker.on('exit', () => {
        clearTimeout(limit);
        reject(new AppError('engine_failed', `the worker of engine ${start.engine.id} ended while it started`));
        this.#onExit(worker);
      });
    });
  }

  #onExit(worker: Worker): void {
    if (this.#worker === worker) this.#worker = null;
    this.#failAll();
    if (this.#state === 'closed') return;
    const wasRunning = this.#state === 'running';
    this.#state = 'down';
    this.#options.metrics.counter('engine_restarts').add();
    if (wasRunning) this.#restartMs = FIRST_RESTART_MS;
    this.#restartTimer = setTimeout(() => {
      this.#state = 'starting';
      this.#restartMs = Math.min(this.#restartMs * 2, LAST_RESTART_MS);
      this.#start().then(
        () => this.#options.log.info({ engine: this.#options.engine.id }, 'engine is back'),
        (error) => this.#options.log.error({ err: error }, 'engine did not come back'),
      );
    }, this.#restartMs);
  }

  #failAll(): void {
    for (const waiting of this.#queue.drain()) waiting.resolve('failed');
    for (const { jobs } of this.#inFlight.values()) for (const job of jobs) job.resolve('failed');
    this.#inFlight.clear();
  }

  /** Sends what the sessions of this turn of the event loop want as one batch. */
  #dispatchSoon(): void {
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    setImmediate(() => {
      this.#isDispatching = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#inFlight.size < BATCHES_IN_FLIGHT && this.#queue.size > 0) {
      const jobs = this.#takeBatch();
      if (jobs.length === 0) return;
      const batchId = this.#batchId++;
      this.#inFlight.set(batchId, { jobs, sentMs: performance.now() });
      const wire: WireJob[] = jobs.map(
        ({ resolve: _resolve, dueMs: _dueMs, submittedMs: _submittedMs, ...job }) => job,
      );
      const features = wire.map((job) => job.features.buffer as ArrayBuffer);
      this.#worker?.postMessage({ type: 'infer', batchId, jobs: wire } satisfies ToWorker, features);
    }
  }

  /** Jobs that can still be there in time: drawing one that cannot would only make the next ones late as well. */
  #takeBatch(): Waiting[] {
    const thereMs = performance.now() + (this.#inFlight.size > 0 ? this.#tripMs : 0);
    const jobs: Waiting[] = [];
    while (jobs.length < Math.max(JOBS_PER_TRIP, this.#options.maxBatch)) {
      const next = this.#queue.shift();
      if (!next) break;
      if (next.dueMs < thereMs) next.resolve('late');
      else jobs.push(next);
    }
    return jobs;
  }

  #settle(message: Inferred): void {
    const batch = this.#inFlight.get(message.batchId);
    this.#inFlight.delete(message.batchId);
    if (batch) this.#answer(batch, message);
    this.#dispatch();
  }

  #answer({ jobs, sentMs }: Batch, { drawings, failures, inferMs, composeMs }: Inferred): void {
    const { metrics, log } = this.#options;
    const nowMs = performance.now();
    this.#tripMs += (nowMs - sentMs - this.#tripMs) * NEWEST_SHARE;
    metrics.histogram('batch_jobs').record(jobs.length);
    metrics.histogram('engine_round_trip_ms').record(nowMs - sentMs);
    metrics.histogram('batch_infer_ms').record(inferMs);
    metrics.histogram('batch_compose_ms').record(composeMs);
    metrics.histogram('infer_ms').record(inferMs / jobs.length);
    metrics.histogram('compose_ms').record(composeMs / jobs.length);
    for (const [at, job] of jobs.entries()) {
      metrics.histogram('engine_queue_ms').record(nowMs - job.submittedMs - inferMs - composeMs);
      job.resolve(drawings[at]);
    }
    if (failures.length === 0) return;
    metrics.counter('engine_failures').add(failures.length);
    // Not per frame: the counter tells how often, the log that it happens at all.
    log.debug({ reason: failures[0] }, 'engine refused jobs');
  }
}
