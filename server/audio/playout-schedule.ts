import { ArrivalMeter } from './arrival-meter.ts';
import { DelayTarget } from './delay-target.ts';
import { SlidingMinimum } from './sliding-minimum.ts';

const READ_WINDOW_MS = 5_000;

/**
 * Says which of the sender's samples a read should begin with, so that each sound is played as early as its network
 * allows. Counts positions in the sender's samples at 48 kHz, without wrapping.
 */
export class PlayoutSchedule {
  readonly #arrivals = new ArrivalMeter();
  readonly #target: DelayTarget;
  // A timer is late at times but never early, so the least late read shows the rhythm that was meant.
  readonly #reads = new SlidingMinimum(READ_WINDOW_MS);
  #newestStart = 0;
  #packetSamples = 960;

  /**
   * @param minDelayMs Least delay between a packet's arrival and its read.
   * @param maxDelayMs Most delay, whatever the network does.
   * @throws {RangeError} unless 0 ≤ minDelayMs ≤ maxDelayMs − 40.
   */
  constructor(minDelayMs: number, maxDelayMs: number) {
    this.#target = new DelayTarget(minDelayMs, maxDelayMs);
  }

  /** Delay between the quickest possible arrival and the read, in ms. */
  get targetMs(): number {
    return this.#target.currentMs;
  }

  /** How much faster the sender's clock runs than ours, in millionths. */
  get driftPpm(): number {
    return this.#arrivals.driftPpm;
  }

  /** A packet has come, in order or not. */
  onPacket(start: number, durationSamples: number, arrivedMs: number): void {
    this.#arrivals.add(start / 48, arrivedMs, durationSamples / 48);
    this.#newestStart = start;
    this.#packetSamples = durationSamples;
  }

  /**
   * A chunk is read.
   *
   * @param startSample Media time of the chunk, samples at 48 kHz.
   * @returns Position that it should begin with, not whole in general; NaN before the first packet.
   */
  onRead(startSample: number, nowMs: number): number {
    const readMs = startSample / 48 + this.#reads.add(nowMs - startSample / 48, nowMs) - this.#arrivals.baseMs;
    if (Number.isNaN(readMs)) return Number.NaN;
    const { latenessMs } = this.#arrivals;
    const delayMs = this.#target.update(readMs, this.#newestStart / 48, this.#packetSamples / 48, latenessMs);
    return (readMs - delayMs) * 48;
  }

  /** The sender's positions begin anew. */
  restart(): void {
    this.#arrivals.clear();
  }
}
