import type { Metrics } from '../metrics.ts';
import type { Timers } from '../timers.ts';
import type { Inferred, SendBatch, WaitingJob } from './job-line.ts';

/** A batch that the thread has not answered yet. */
export interface Batch<Job extends WaitingJob> {
  readonly jobs: readonly Job[];
  readonly sentMs: number;
  /** When the thread can have begun with it: not before it had answered the one before. */
  startedMs: number;
}

/** Batches that a thread works on or has waiting, first the one that it works on. Measures what they take. */
export class BatchesUnderWay<Job extends WaitingJob> {
  readonly #batches = new Map<number, Batch<Job>>();
  readonly #send: SendBatch;
  readonly #timers: Timers;
  readonly #metrics: Metrics;
  #nextId = 0;

  constructor(send: SendBatch, timers: Timers, metrics: Metrics) {
    this.#send = send;
    this.#timers = timers;
    this.#metrics = metrics;
  }

  get size(): number {
    return this.#batches.size;
  }

  /** The one that the thread works on. */
  get first(): Batch<Job> | undefined {
    return this.#batches.values().next().value;
  }

  /** The jobs of all of them. */
  jobs(): Job[] {
    return [...this.#batches.values()].flatMap(({ jobs }) => jobs);
  }

  send(jobs: readonly Job[]): void {
    const batchId = this.#nextId++;
    const nowMs = this.#timers.nowMs();
    this.#batches.set(batchId, { jobs, sentMs: nowMs, startedMs: nowMs });
    this.#send(batchId, jobs);
  }

  /**
   * Takes the batch that `message` answers, tells its jobs, and measures it.
   * @returns Null for an answer to a batch that was given up.
   */
  answer({ batchId, drawings, failures, refusals, inferMs, composeMs }: Inferred): Batch<Job> | null {
    const batch = this.#batches.get(batchId);
    if (!batch) return null;
    this.#batches.delete(batchId);
    const nowMs = this.#timers.nowMs();
    const next = this.first;
    if (next) next.startedMs = nowMs;
    const { jobs, sentMs } = batch;
    const metrics = this.#metrics;
    metrics.histogram('batch_jobs').record(jobs.length);
    metrics.histogram('engine_round_trip_ms').record(nowMs - sentMs);
    metrics.histogram('batch_infer_ms').record(inferMs);
    metrics.histogram('batch_compose_ms').record(composeMs);
    metrics.histogram('infer_ms').record(inferMs / jobs.length);
    metrics.histogram('compose_ms').record(composeMs / jobs.length);
    const wrong = failures.length + refusals.length;
    if (wrong > 0) metrics.counter('engine_failures').add(wrong);
    for (const [at, job] of jobs.entries()) {
      metrics.histogram('engine_queue_ms').record(nowMs - job.submittedMs - inferMs - composeMs);
      job.done(drawings[at]);
    }
    return batch;
  }

  /** Answers every job `failed` and forgets the batches. */
  failAll(): void {
    for (const { jobs } of this.#batches.values()) for (const job of jobs) job.done('failed');
    this.#batches.clear();
  }
}
