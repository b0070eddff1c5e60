/** Time, passed in: the process's own, or one that a test or an offline render moves by hand. */
export interface Timers {
  /** Monotonic time in milliseconds. */
  nowMs(): number;
  /** Unix time in milliseconds of a monotonic time. */
  epochMs(monotonicMs: number): number;
  /** Calls `run` once, at or after `atMs`. Returns a function that takes it back. */
  at(atMs: number, run: () => void): () => void;
}

/** The time of this process. */
export const processTimers: Timers = {
  nowMs: () => performance.now(),
  epochMs: (monotonicMs) => performance.timeOrigin + monotonicMs,
  at(atMs, run) {
    // Rounded up, so that a timer is never early: Node counts whole milliseconds.
    const timer = setTimeout(run, Math.max(0, Math.ceil(atMs - performance.now())));
    return () => clearTimeout(timer);
  },
};
