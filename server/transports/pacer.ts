import type { Timers } from '../timers.ts';

/** Packets that go out at once before pacing begins: an ordinary picture at 1 Mbit/s is five. */
const BURST_PACKETS = 6;
/** Time between two bursts of a large picture. */
const BURST_INTERVAL_MS = 2;
/** The longest that a packet waits. Half a frame, so that a picture has left before the next one comes. */
const MAX_DELAY_MS = 20;

/**
 * Packets of large pictures on their way to the network, sent in small bursts so that they do not overflow the queues on the
 * path. Holds at most 20 ms: when a picture comes on top of another, both go out faster; nothing is dropped. Emptied by its
 * own timer, which runs only while something waits, and at once by `close()`.
 */
export class Pacer<Item> {
  readonly #send: (item: Item) => void;
  readonly #timers: Timers;
  #waiting: Item[] = [];
  #packetsPerMs = 0;
  #lastMs = 0;
  #dueMs = 0;
  #cancel: (() => void) | null = null;

  constructor(send: (item: Item) => void, timers: Timers) {
    this.#send = send;
    this.#timers = timers;
  }

  /** Packets that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes the packets of one picture. What fits into one burst is sent before this returns. */
  push(items: readonly Item[]): void {
    let first = 0;
    if (this.#waiting.length === 0) {
      for (; first < Math.min(BURST_PACKETS, items.length); first += 1) this.#send(items[first]!);
      if (first === items.length) return;
      this.#lastMs = this.#timers.nowMs();
    }
    for (let at = first; at < items.length; at += 1) this.#waiting.push(items[at]!);
    this.#packetsPerMs = Math.max(BURST_PACKETS / BURST_INTERVAL_MS, this.#waiting.length / MAX_DELAY_MS);
    if (!this.#cancel) this.#schedule(this.#lastMs + BURST_INTERVAL_MS);
  }

  /** Forgets what waits. Idempotent. */
  close(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#waiting = [];
  }

  #schedule(dueMs: number): void {
    this.#dueMs = dueMs;
    this.#cancel = this.#timers.at(dueMs, () => this.#sendDue());
  }

  /** Sends what the time since the last burst allows, so that a late timer is caught up with. */
  #sendDue(): void {
    this.#cancel = null;
    const nowMs = Math.max(this.#dueMs, this.#timers.nowMs());
    const count = Math.min(this.#waiting.length, Math.round((nowMs - this.#lastMs) * this.#packetsPerMs));
    for (const item of this.#waiting.splice(0, count)) this.#send(item);
    if (count > 0) this.#lastMs = nowMs;
    if (this.#waiting.length > 0 && !this.#cancel) this.#schedule(this.#dueMs + BURST_INTERVAL_MS);
  }
}
