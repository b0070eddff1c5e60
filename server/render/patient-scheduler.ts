import type { EngineSpec } from '../engines/engine.ts';
import type { FrameJob, FrameOutcome, FrameScheduler } from '../scheduler/frame-job.ts';
import type { OfflineTimers } from './offline-timers.ts';

/** A scheduler whose pictures are never late: the session's time waits for each of them. */
export class PatientScheduler implements FrameScheduler {
  readonly #scheduler: FrameScheduler;
  readonly #timers: OfflineTimers;
  #failures = 0;

  constructor(scheduler: FrameScheduler, timers: OfflineTimers) {
    this.#scheduler = scheduler;
    this.#timers = timers;
  }

  get spec(): EngineSpec {
    return this.#scheduler.spec;
  }

  /** Pictures that the engine did not draw. */
  get failures(): number {
    return this.#failures;
  }

  submit(job: FrameJob): Promise<FrameOutcome> {
    // Its due time is the session's, which has nothing to do with the time of the engine's thread.
    const outcome = this.#scheduler.submit({ ...job, dueMs: Number.POSITIVE_INFINITY }).then((answer) => {
      if (answer === 'failed' || answer === 'late') this.#failures += 1;
      return answer;
    });
    this.#timers.hold(outcome, job.dueMs);
    return outcome;
  }

  endSession(sessionId: string): void {
    this.#scheduler.endSession(sessionId);
  }
}
