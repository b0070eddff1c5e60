import type { Metrics } from '../metrics.ts';
import type { Timers } from '../timers.ts';
import { BatchesUnderWay } from './batches-under-way.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import type { FrameJob } from './frame-job.ts';
import type { Done, Inferred, JobLine, SendBatch, WaitingJob } from './job-line.ts';

/** Batches under way: the next one waits at the worker, so that it need not idle until this thread has time. */
const BATCHES_UNDER_WAY = 2;
const QUEUE_CAPACITY = 256;
/** How much the newest trip counts in the mean time of a trip. */
const NEWEST_SHARE = 0.1;
/** Jobs that travel together, if the engine takes no more at once: it saves waking threads, but the first waits for the last. */
const JOBS_PER_TRIP = 2;
/** A worker that has not answered for this long counts as stalled: new sessions go elsewhere. */
const STALL_MS = 2_000;

export interface ProcessorLineOptions {
  readonly maxBatch: number;
  readonly send: SendBatch;
  readonly timers: Timers;
  readonly metrics: Metrics;
}

/** Jobs of a thread that draws on a processor core: earliest deadline first, those that cannot be in time left out. */
export class ProcessorLine implements JobLine {
  readonly capacity = null;
  readonly sharing = null;
  readonly #options: ProcessorLineOptions;
  readonly #queue = new DeadlineQueue<WaitingJob>(QUEUE_CAPACITY);
  readonly #underWay: BatchesUnderWay<WaitingJob>;
  /** Of one batch. */
  readonly #mostJobs: number;
  #isDispatching = false;
  /** Mean time from sending a batch to its answer, waiting for the one before it included. */
  #tripMs = 0;

  constructor(options: ProcessorLineOptions) {
    this.#options = options;
    this.#mostJobs = Math.max(JOBS_PER_TRIP, options.maxBatch);
    this.#underWay = new BatchesUnderWay(options.send, options.timers, options.metrics);
  }

  get waitingMs(): number {
    const first = this.#queue.first;
    return first ? this.#options.timers.nowMs() - first.submittedMs : 0;
  }

  get isStalled(): boolean {
    const oldest = this.#underWay.first;
    return oldest !== undefined && this.#options.timers.nowMs() - oldest.sentMs >= STALL_MS;
  }

  start(): void {}

  add(job: FrameJob, done: Done): void {
    this.#queue.push({ ...job, submittedMs: this.#options.timers.nowMs(), done })?.done('late');
    // It begins with the first ones while the main thread still takes the steps of other sessions.
    if (this.#queue.size >= this.#mostJobs) this.#dispatch();
    else this.#dispatchSoon();
  }

  answer(message: Inferred): void {
    const batch = this.#underWay.answer(message);
    if (batch) this.#tripMs += (this.#options.timers.nowMs() - batch.sentMs - this.#tripMs) * NEWEST_SHARE;
    this.#dispatch();
  }

  endSession(): void {}

  failAll(): void {
    for (const waiting of this.#queue.drain()) waiting.done('failed');
    this.#underWay.failAll();
  }

  /** Sends what is left of this turn of the event loop. */
  #dispatchSoon(): void {
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    setImmediate(() => {
      this.#isDispatching = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#underWay.size < BATCHES_UNDER_WAY && this.#queue.size > 0) {
      const jobs = this.#takeBatch();
      if (jobs.length === 0) return;
      this.#underWay.send(jobs);
    }
  }

  /** Jobs that can still be there in time: drawing one that cannot would only make the next ones late as well. */
  #takeBatch(): WaitingJob[] {
    const thereMs = this.#options.timers.nowMs() + (this.#underWay.size > 0 ? this.#tripMs : 0);
    const jobs: WaitingJob[] = [];
    while (jobs.length < this.#mostJobs) {
      const next = this.#queue.shift();
      if (!next) break;
      if (next.dueMs < thereMs) next.done('late');
      else jobs.push(next);
    }
    return jobs;
  }
}
