import type { Inferred } from './job-line.ts';

/**
 * A batch may take so much longer than it should, or half as long again, before the device counts as standing still: more than any
 * hiccup, and on a device that is fast enough to be of use little enough that faces rest within 200 ms.
 */
const PATIENCE_MS = 60;
/** How long batches are kept small when one has failed: for lack of memory, or because of one of its jobs, which others need not share. */
const SMALL_FOR_MS = { memory: 10_000, other: 2_000 };
/** The engine is made anew when so many batches in a row, over so long, have failed. */
const FAILURES_IN_A_ROW = 4;
const FAILING_FOR_MS = 1_000;

const OUT_OF_MEMORY = /out of memory|outofmemory|failed to allocate|bad_alloc|insufficient memory/i;

/** What a batch's answer says of the device. */
export type Verdict = 'well' | 'failed' | 'out_of_memory' | 'sick';

/** Tells from a device's answers, and from those that do not come, how it is. */
export class DeviceHealth {
  #most = Number.POSITIVE_INFINITY;
  #smallUntilMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #failingSinceMs = 0;

  /** Forgets what was, after the engine has been made anew. */
  reset(): void {
    this.#most = Number.POSITIVE_INFINITY;
    this.#failures = 0;
  }

  /** When a batch that should take `expectedMs` from `startedMs` on is given up. */
  overdueMs(startedMs: number, expectedMs: number): number {
    return startedMs + expectedMs + Math.max(PATIENCE_MS, expectedMs / 2);
  }

  /** Most jobs of a batch for now. */
  most(nowMs: number): number {
    return nowMs < this.#smallUntilMs ? this.#most : Number.POSITIVE_INFINITY;
  }

  /** Learns from the answer to a batch that was filled up to `size`. */
  note(size: number, { drawings, failures }: Pick<Inferred, 'drawings' | 'failures'>, nowMs: number): Verdict {
    if (failures.length === 0 || drawings.some((drawing) => drawing !== 'failed')) {
      this.#failures = 0;
      return 'well';
    }
    if (this.#failures === 0) this.#failingSinceMs = nowMs;
    this.#failures += 1;
    if (this.#failures >= FAILURES_IN_A_ROW && nowMs - this.#failingSinceMs >= FAILING_FOR_MS) {
      this.#failures = 0;
      return 'sick';
    }
    if (size === 1) return 'failed';
    const isMemory = failures.some((reason) => OUT_OF_MEMORY.test(reason));
    this.#most = Math.max(1, Math.floor(size / 2));
    this.#smallUntilMs = nowMs + (isMemory ? SMALL_FOR_MS.memory : SMALL_FOR_MS.other);
    return isMemory ? 'out_of_memory' : 'failed';
  }
}
