import type { DeviceLine } from '../../../server/scheduler/device-line.ts';
import type { WaitingJob } from '../../../server/scheduler/job-line.ts';
import type { BatchTime } from '../../../server/scheduler/messages.ts';
import type { VirtualTime } from './virtual-time.ts';

/** From one thread to the other, there and back. */
const HOP_MS = 0.3;
/** Batches that take longer than they should: each by some percent, one in a hundred by a hiccup. */
const JITTER = 0.05;
const HICCUP_SHARE = 0.01;
const HICCUP_MS = 30;

export interface Standstill {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface SimulatedDeviceOptions {
  readonly time: VirtualTime;
  readonly times: readonly BatchTime[];
  readonly standstill: Standstill;
  /** How many times as long as `times` say it takes now. */
  readonly slowness: () => number;
  /** 0..1. */
  readonly random: () => number;
}

/** A device that draws nothing, in the time that a card takes for it: one batch after the other, with jitter and standstills. */
export class SimulatedDevice {
  readonly #options: SimulatedDeviceOptions;
  #freeMs = 0;
  #busyMs = 0;

  constructor(options: SimulatedDeviceOptions) {
    this.#options = options;
  }

  /** Time that it has worked, ms. */
  get busyMs(): number {
    return this.#busyMs;
  }

  /** Draws a batch and answers it to `line`. */
  draw(batchId: number, jobs: readonly WaitingJob[], line: () => DeviceLine): void {
    const { time } = this.#options;
    const startMs = Math.max(this.#freeMs, time.nowMs() + HOP_MS / 2);
    const tookMs = this.#tookMs(jobs.length);
    this.#busyMs += tookMs;
    this.#freeMs = this.#afterStandstill(startMs, startMs + tookMs);
    time.at(this.#freeMs + HOP_MS / 2, () =>
      line().answer({
        type: 'inferred',
        batchId,
        drawings: jobs.map(() => 'drawn'),
        failures: [],
        refusals: [],
        inferMs: tookMs,
        composeMs: 0,
      }),
    );
  }

  #tookMs(count: number): number {
    const { times, slowness, random } = this.#options;
    const entry = times.find(({ size }) => size >= count);
    if (!entry) throw new RangeError(`the device takes at most ${times.at(-1)?.size} jobs, got ${count}`);
    const hiccupMs = random() < HICCUP_SHARE ? HICCUP_MS * (0.5 + random()) : 0;
    return entry.ms * slowness() * (1 + JITTER * (2 * random() - 1)) + hiccupMs;
  }

  /** What is under way when the device stands still ends so much later. */
  #afterStandstill(startMs: number, endMs: number): number {
    const { fromMs, toMs } = this.#options.standstill;
    return endMs > fromMs && startMs < toMs ? endMs + (toMs - Math.max(startMs, fromMs)) : endMs;
  }
}

/** Random numbers 0..1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
