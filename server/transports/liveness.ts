import type { Timers } from '../timers.ts';

const CHECK_INTERVAL_MS = 1000;

/**
 * Notices that a viewer has gone without a word. Browsers answer checks of the path (RFC 7675), send reports every second and
 * sound every 20 ms, so a peer from which nothing at all arrives is gone, or its network is; it gets some time to come back.
 */
export class Liveness {
  readonly #heard: () => number;
  readonly #onSilent: (phase: 'connecting' | 'connected') => void;
  readonly #timers: Timers;
  readonly #silenceMs: number;
  #phase: 'connecting' | 'connected' = 'connecting';
  #lastHeard = -1;
  #lastHeardMs: number;
  #cancel: () => void;

  /**
   * @param heard Count of whatever arrived; any change is a sign of life.
   * @param onSilent Called once, after `silenceMs` without a sign of life, or without a connection.
   */
  constructor(options: {
    heard: () => number;
    onSilent: (phase: 'connecting' | 'connected') => void;
    silenceMs: number;
    timers: Timers;
  }) {
    this.#heard = options.heard;
    this.#onSilent = options.onSilent;
    this.#silenceMs = options.silenceMs;
    this.#timers = options.timers;
    this.#lastHeardMs = this.#timers.nowMs();
    this.#cancel = this.#timers.at(this.#lastHeardMs + CHECK_INTERVAL_MS, () => this.#check());
  }

  /** The connection is up; from now on silence counts from the last sign of life. */
  connected(): void {
    this.#phase = 'connected';
    this.#lastHeardMs = this.#timers.nowMs();
  }

  close(): void {
    this.#cancel();
  }

  #check(): void {
    const nowMs = this.#timers.nowMs();
    const heard = this.#heard();
    if (this.#phase === 'connected' && heard !== this.#lastHeard) this.#lastHeardMs = nowMs;
    this.#lastHeard = heard;
    if (nowMs - this.#lastHeardMs >= this.#silenceMs) {
      this.#onSilent(this.#phase);
      return;
    }
    const nextMs = Math.min(nowMs + CHECK_INTERVAL_MS, this.#lastHeardMs + this.#silenceMs);
    this.#cancel = this.#timers.at(nextMs, () => this.#check());
  }
}
