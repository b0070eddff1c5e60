import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Timers } from '../timers.ts';

interface Waiting {
  readonly atMs: number;
  readonly run: () => void;
}

interface Hold {
  readonly untilMs: number;
  readonly settled: Promise<void>;
}

/**
 * Time that passes as fast as the work gets done: it jumps from one timer to the next, and stands still where {@link hold}
 * says that something must be there first. What happens depends on the order of timers alone, never on the machine's speed.
 */
export class OfflineTimers implements Timers {
  #nowMs = 0;
  readonly #waiting = new Set<Waiting>();
  readonly #holds = new Set<Hold>();

  nowMs(): number {
    return this.#nowMs;
  }

  /** Media time is all there is: the same render is the same on any day. */
  epochMs(monotonicMs: number): number {
    return monotonicMs;
  }

  at(atMs: number, run: () => void): () => void {
    const entry = { atMs, run };
    this.#waiting.add(entry);
    return () => this.#waiting.delete(entry);
  }

  /** No timer due at or after `untilMs` runs before `work` has settled. Whoever holds looks after its failure. */
  hold(work: Promise<unknown>, untilMs: number): void {
    const release = () => void this.#holds.delete(hold);
    const hold: Hold = { untilMs, settled: work.then(release, release) };
    this.#holds.add(hold);
  }

  /**
   * Lets time pass until `isDone`, which is asked before each timer, or no timer is left.
   * @throws What a timer throws.
   */
  async run(isDone: () => boolean): Promise<void> {
    for (;;) {
      // A whole turn, so that everything that follows from the last timer and from settled work has happened.
      await nextTurn();
      if (isDone()) return;
      const next = this.#earliest();
      const inTheWay = [...this.#holds].filter(({ untilMs }) => untilMs <= (next?.atMs ?? Number.POSITIVE_INFINITY));
      if (inTheWay.length > 0) {
        await Promise.all(inTheWay.map(({ settled }) => settled));
        continue;
      }
      if (!next) return;
      this.#waiting.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
  }

  /** Of those due at one time, the one that was set first. */
  #earliest(): Waiting | undefined {
    let earliest: Waiting | undefined;
    for (const entry of this.#waiting) if (!earliest || entry.atMs < earliest.atMs) earliest = entry;
    return earliest;
  }
}
