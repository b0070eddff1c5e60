import { FRAME_MS } from '../../server/audio/pcm.ts';
import { VIDEO_CLOCK_HZ } from '../../server/codecs/packet.ts';
import type { ReceivedFrame } from '../../server/transports/frame-assembler.ts';
import { linearFit } from './statistics.ts';

const TICKS_PER_MS = VIDEO_CLOCK_HZ / 1000;

/** When the pictures of one viewer came, against when their time stamps say that they should have. */
export class Arrivals {
  #frames: { readonly atMs: number; readonly mediaMs: number }[] = [];

  add({ arrivedMs, rtpTimestamp }: Pick<ReceivedFrame, 'arrivedMs' | 'rtpTimestamp'>): void {
    const last = this.#frames.at(-1);
    // 32 bit time stamps wrap: only their difference to the one before counts.
    const stepTicks = last ? (rtpTimestamp - Math.round(last.mediaMs * TICKS_PER_MS)) | 0 : 0;
    const mediaMs = last ? last.mediaMs + stepTicks / TICKS_PER_MS : rtpTimestamp / TICKS_PER_MS;
    this.#frames.push({ atMs: arrivedMs, mediaMs });
  }

  get count(): number {
    return this.#frames.length;
  }

  /** Time since the last picture, ms; infinite if none came. */
  sinceLastMs(nowMs: number): number {
    return nowMs - (this.#frames.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY);
  }

  /** Time from each picture to the next, ms. */
  gapsMs(): number[] {
    return this.#frames.slice(1).map(({ atMs }, at) => atMs - this.#frames[at].atMs);
  }

  /** Pictures that never came, by the time stamps. */
  missing(): number {
    const first = this.#frames[0];
    const last = this.#frames.at(-1);
    if (!first || !last) return 0;
    return Math.round((last.mediaMs - first.mediaMs) / FRAME_MS) + 1 - this.#frames.length;
  }

  /** How much later pictures come with every second, in ms: 0 for a server that keeps up. */
  latenessGrowth(): number {
    const first = this.#frames[0];
    if (!first) return 0;
    return linearFit(
      this.#frames.map(({ atMs, mediaMs }) => [
        (atMs - first.atMs) / 1000,
        atMs - first.atMs - (mediaMs - first.mediaMs),
      ]),
    ).slope;
  }

  reset(): void {
    this.#frames = [];
  }
}
