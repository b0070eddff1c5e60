import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Timers } from '../timers.ts';
import { type BatchChoice, chooseBatch } from './batch-choice.ts';
import { BatchTimes } from './batch-times.ts';
import { BatchesUnderWay } from './batches-under-way.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import { DeviceHealth } from './device-health.ts';
import type { FrameJob } from './frame-job.ts';
import type { Done, Inferred, JobLine, SendBatch, Sharing, WaitingJob } from './job-line.ts';
import type { BatchTime } from './messages.ts';
import { MouthRates } from './mouth-rates.ts';

const QUEUE_CAPACITY = 256;
/** One that the device works on, one that waits at the worker so that the device need not wait for this thread. */
const BATCHES_UNDER_WAY = 2;
/** How long a job waits for others to go with it, while the device is busy anyway. */
const COLLECT_MS = 10;
/** The next batch is handed over so long before the device is expected to be free: until then it may still grow. */
const HAND_OVER_MS = 2;
/** Where nothing can be in time any more, a job is sent so often all the same, to see whether that is still so. */
const PROBE_EVERY_MS = 500;

interface DeviceJob extends WaitingJob {
  readonly isFirst: boolean;
  readonly servedMs: number;
}

export interface DeviceLineOptions {
  /** From a job to the moment at which its picture is wanted, ms. */
  readonly dueAfterMs: number;
  readonly send: SendBatch;
  /** Called when the device only fails: its engine has to be made anew. */
  readonly onSick: () => void;
  /** Runs something once what comes at the same time has come. Default: at the end of this turn of the event loop. */
  readonly soon?: (run: () => void) => void;
  readonly timers: Timers;
  readonly metrics: Metrics;
  readonly log: Log;
}

/**
 * Jobs of a thread whose device draws many mouths at once: batches over all sessions, `MouthRates` shares the device out, and
 * `DeviceHealth` says when it stands still, is out of memory or only fails. A batch goes when the device is idle, when it is full
 * or, to a busy device, after 10 ms; first words go without the others.
 */
export class DeviceLine implements JobLine {
  readonly #options: DeviceLineOptions;
  readonly #queue = new DeadlineQueue<DeviceJob>(QUEUE_CAPACITY);
  readonly #underWay: BatchesUnderWay<DeviceJob>;
  readonly #health: DeviceHealth;
  /** When each session was last sent a job for. */
  readonly #served = new Map<string, number>();
  /** What the device was measured to do; null while it is not there. */
  #measured: { readonly times: BatchTimes; readonly rates: MouthRates } | null = null;
  #state: 'down' | 'running' | 'stalled' = 'down';
  #isDispatching = false;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  #cancelWake: () => void = () => {};

  constructor(options: DeviceLineOptions) {
    this.#options = options;
    this.#underWay = new BatchesUnderWay(options.send, options.timers, options.metrics);
    this.#health = new DeviceHealth();
  }

  get waitingMs(): number {
    const first = this.#queue.first;
    return first ? this.#options.timers.nowMs() - first.submittedMs : 0;
  }

  get isStalled(): boolean {
    return this.#state === 'stalled';
  }

  get capacity(): number | null {
    return this.#measured?.rates.capacity ?? null;
  }

  get sharing(): Sharing | null {
    return this.#measured?.rates ?? null;
  }

  start(measured: readonly BatchTime[]): void {
    const times = new BatchTimes(measured);
    const rates = this.#measured?.rates ?? new MouthRates(times, this.#options.dueAfterMs);
    rates.setTimes(times);
    this.#measured = { times, rates };
    this.#health.reset();
    this.#state = 'running';
    const { dueAfterMs, log } = this.#options;
    const mouthMs = Math.round(times.ms(1));
    if (mouthMs > dueAfterMs) {
      log.warn(
        { mouthMs, dueAfterMs },
        'the device is too slow for a face that talks; it rests, choose another engine',
      );
    }
  }

  add(job: FrameJob, done: Done): void {
    const { timers } = this.#options;
    if (this.#state !== 'running' || !this.#measured) {
      done('failed');
      return;
    }
    const nowMs = timers.nowMs();
    const grant = isPatient(job) ? 'next' : this.#measured.rates.next(job.sessionId, nowMs);
    if (grant === 'held' || grant === 'resting') {
      done(grant);
      return;
    }
    const servedMs = this.#served.get(job.sessionId) ?? Number.NEGATIVE_INFINITY;
    const pushedOut = this.#queue.push({ ...job, submittedMs: nowMs, done, isFirst: grant === 'first', servedMs });
    if (pushedOut) this.#answerLate(pushedOut);
    this.#dispatchSoon();
  }

  answer(message: Inferred): void {
    const batch = this.#underWay.answer(message);
    if (!batch || !this.#measured) return;
    const nowMs = this.#options.timers.nowMs();
    const wasStalled = this.#state === 'stalled';
    if (wasStalled) this.#options.log.info({}, 'the device answers again');
    if (this.#state !== 'down') this.#state = 'running';
    const isWhole = message.drawings.some((drawing) => drawing !== 'failed');
    if (isWhole) this.#measured.times.learn(batch.jobs.length, nowMs - batch.startedMs);
    // What a standstill made late says nothing about how much can be promised.
    if (isWhole && !wasStalled) for (const { dueMs } of batch.jobs) this.#measured.rates.note(nowMs <= dueMs);
    const size = this.#measured.times.sizeFor(batch.jobs.length);
    this.#look(this.#health.note(size, message, nowMs), message);
    this.#dispatch();
  }

  endSession(sessionId: string): void {
    this.#measured?.rates.end(sessionId);
    this.#served.delete(sessionId);
  }

  failAll(): void {
    this.#state = 'down';
    this.#cancelWake();
    this.#failWaiting();
    this.#underWay.failAll();
  }

  #dispatchSoon(): void {
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    this.#soon(() => {
      this.#isDispatching = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    this.#cancelWake();
    if (this.#state !== 'running') return;
    while (this.#queue.size > 0 && this.#handOverMs() <= this.#options.timers.nowMs()) {
      if (!this.#sendNext()) break;
    }
    this.#wake();
  }

  /** When the next batch may go, ms. */
  #handOverMs(): number {
    if (this.#underWay.size === 0) return Number.NEGATIVE_INFINITY;
    if (this.#underWay.size >= BATCHES_UNDER_WAY) return Number.POSITIVE_INFINITY;
    const { items } = this.#queue;
    if (items.length >= this.#most() || items.some(({ isFirst }) => isFirst)) return Number.NEGATIVE_INFINITY;
    return Math.max(items[0].submittedMs + COLLECT_MS, this.#freeMs() - HAND_OVER_MS);
  }

  /** @returns False if nothing that waits can be in time. */
  #sendNext(): boolean {
    const nowMs = this.#options.timers.nowMs();
    const { batch, late } = this.#choose(nowMs);
    this.#queue.remove(late);
    this.#queue.remove(batch);
    for (const job of late) if (!batch.includes(job)) this.#answerLate(job);
    if (batch.length === 0) return false;
    for (const { sessionId } of batch) this.#served.set(sessionId, nowMs);
    this.#lastSentMs = nowMs;
    this.#underWay.send(batch);
    return true;
  }

  #choose(nowMs: number): BatchChoice<DeviceJob> {
    const { times } = this.#device;
    const choice = chooseBatch(this.#queue.items, Math.max(nowMs, this.#freeMs()), times, this.#most());
    const mayProbe = this.#underWay.size === 0 && nowMs - this.#lastSentMs >= PROBE_EVERY_MS;
    // If the device were believed to be too slow for ever, nobody would see that it is no longer.
    return choice.batch.length === 0 && mayProbe ? { ...choice, batch: choice.late.slice(-1) } : choice;
  }

  /** Most jobs of a batch: all sizes that were measured, as long as there is memory for them. */
  #most(): number {
    return Math.min(this.#device.times.largest, this.#health.most(this.#options.timers.nowMs()));
  }

  /** When the device has done what it was given, ms. */
  #freeMs(): number {
    const { first } = this.#underWay;
    return first ? first.startedMs + this.#device.times.ms(first.jobs.length) : Number.NEGATIVE_INFINITY;
  }

  /** Comes back when the next batch may go, or when the device should have answered. */
  #wake(): void {
    const { first } = this.#underWay;
    if (!first) return;
    const { timers } = this.#options;
    const expectedMs = this.#device.times.ms(first.jobs.length);
    const overdueMs = first.jobs.every(isPatient)
      ? Number.POSITIVE_INFINITY
      : this.#health.overdueMs(first.startedMs, expectedMs);
    const handOverMs = this.#queue.size > 0 ? this.#handOverMs() : Number.POSITIVE_INFINITY;
    if (Math.min(overdueMs, handOverMs) === Number.POSITIVE_INFINITY) return;
    this.#cancelWake = timers.at(Math.min(overdueMs, handOverMs), () => {
      // If this thread was held up, the answer may have come already and wait to be taken.
      if (timers.nowMs() >= overdueMs)
        this.#soon(() => first === this.#underWay.first && this.#stall(first.jobs.length));
      else this.#dispatch();
    });
  }

  #soon(run: () => void): void {
    (this.#options.soon ?? setImmediate)(run);
  }

  /** The device stands still: what waits and what comes shows the closed mouth at once, until it answers. */
  #stall(jobs: number): void {
    if (this.#state !== 'running') return;
    this.#state = 'stalled';
    this.#options.metrics.counter('device_stalls').add();
    this.#options.log.warn({ jobs }, 'the device does not answer; faces rest until it does');
    this.#failWaiting();
    for (const { onStandstill } of this.#underWay.jobs()) onStandstill?.();
  }

  #look(verdict: ReturnType<DeviceHealth['note']>, { failures }: Inferred): void {
    const { log, metrics, onSick } = this.#options;
    if (verdict === 'out_of_memory') {
      metrics.counter('device_out_of_memory').add();
      log.warn({ reason: failures[0], most: this.#most() }, 'the device is out of memory; smaller batches for a while');
    } else if (verdict === 'sick') {
      log.error({ reason: failures[0] }, 'the device only fails; its engine is made anew');
      this.#state = 'down';
      this.#failWaiting();
      onSick();
    }
  }

  #answerLate(job: DeviceJob): void {
    this.#device.rates.note(false);
    job.done('late');
  }

  #failWaiting(): void {
    for (const job of this.#queue.drain()) job.done('failed');
  }

  get #device(): { readonly times: BatchTimes; readonly rates: MouthRates } {
    if (!this.#measured) throw new TypeError('a device line has no jobs before it was started');
    return this.#measured;
  }
}

/** Whether somebody waits for it however long it takes, as for a film: that one gets every mouth. */
function isPatient({ dueMs }: FrameJob): boolean {
  return dueMs === Number.POSITIVE_INFINITY;
}
