import type { Timers } from '../timers.ts';

/** Time that moves only when a test says so. */
export class ManualTimers implements Timers {
  #nowMs: number;
  #waiting: { atMs: number; run: () => void }[] = [];

  constructor(nowMs = 0) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  epochMs(monotonicMs: number): number {
    return 1_700_000_000_000 + monotonicMs;
  }

  at(atMs: number, run: () => void): () => void {
    const entry = { atMs, run };
    this.#waiting.push(entry);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
    };
  }

  /** Timers that still wait. */
  get pending(): number {
    return this.#waiting.length;
  }

  /** Time passes, but nothing gets to run: the thread was held up. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }

  /** Moves on by `ms`, runs what falls due in order, and lets promises settle after each step. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const next = this.#waiting.filter((entry) => entry.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!next) break;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = endMs;
    await settle();
  }
}

/** Lets pending promise callbacks run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}
