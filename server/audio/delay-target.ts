import { CHUNK_MS } from './pcm.ts';

/** Kept between the newest packet and the read that needs it, beyond the measured lateness. */
const MARGIN_MS = 6;
/** The delay falls by a packet only if this much margin is left afterwards. */
const HYSTERESIS_MS = 3;
/** Reads begin this much before a packet does, because resampling looks ahead. */
const LEAD_MS = 0.25;

/**
 * Chooses how long sound waits between the quickest possible arrival and the read that plays it.
 *
 * Sound comes in packets and is read in chunks. A read is safe if the newest packet that it needs arrived long enough ago,
 * so a delay between two whole numbers of packets buys no safety: the best delay is the smallest one that ends on a packet's
 * border and leaves the measured lateness as margin. It follows the phase between the two clocks and changes by a packet
 * when they have slid past each other.
 */
export class DelayTarget {
  readonly #minMs: number;
  readonly #maxMs: number;
  #currentMs = 0;

  /** @throws {RangeError} unless 0 ≤ minMs ≤ maxMs − 40. */
  constructor(minMs: number, maxMs: number) {
    if (!(minMs >= 0 && minMs + 2 * CHUNK_MS <= maxMs)) {
      throw new RangeError(`the delay's limits must be 0 or more and 40 ms apart, got ${minMs} and ${maxMs}`);
    }
    this.#minMs = minMs;
    this.#maxMs = maxMs;
  }

  /** The delay last chosen, in ms. */
  get currentMs(): number {
    return this.#currentMs;
  }

  /**
   * @param readMs Time of the read, counted so that undisturbed packets arrive at their time stamps.
   * @param packetStartMs Time stamp of any packet.
   * @param packetMs Sound in a packet.
   * @param latenessMs What almost all packets are not later than.
   * @returns The delay for this read, in ms.
   */
  update(readMs: number, packetStartMs: number, packetMs: number, latenessMs: number): number {
    const gridMs = Math.min(packetMs, CHUNK_MS);
    // A chunk made of several packets is complete with the last of them.
    const lowestMs = Math.max(this.#minMs, latenessMs + MARGIN_MS) + CHUNK_MS - gridMs;
    const phaseMs = readMs - packetStartMs + LEAD_MS;
    let delayMs = phaseMs + gridMs * Math.round((this.#currentMs - phaseMs) / gridMs);
    if (delayMs < lowestMs) {
      delayMs += gridMs * Math.ceil((lowestMs - delayMs) / gridMs);
    } else {
      delayMs -= gridMs * Math.max(0, Math.floor((delayMs - lowestMs - HYSTERESIS_MS) / gridMs));
    }
    if (delayMs > this.#maxMs) delayMs -= gridMs * Math.ceil((delayMs - this.#maxMs) / gridMs);
    this.#currentMs = delayMs;
    return delayMs;
  }
}
