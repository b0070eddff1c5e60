import type { Picture } from '../../web/src/frame-client.js';
import { percentile } from '../bench/statistics.ts';

const FRAME_MS = 40;

/** A picture and when it came, `performance.now()` ms. */
export interface Seen extends Picture {
  readonly atMs: number;
}

/** What was measured of the pictures of one session. */
export interface WatchFigures {
  readonly pictures: number;
  /** By their time stamps, pictures that never came. */
  readonly missing: number;
  readonly keyFrames: number;
  /** Most pictures from one key frame to the next. */
  readonly longestKeyFrameGap: number;
  /** From the first picture to the last. */
  readonly framesPerSecond: number;
  readonly gapP50Ms: number;
  readonly gapP99Ms: number;
  readonly gapMaxMs: number;
  readonly kbitPerSecond: number;
  /** Pictures that show sound, and how long after it was sent they came. */
  readonly heard: number;
  readonly soundToPictureP50Ms: number;
  readonly soundToPictureP95Ms: number;
}

/** Takes down the pictures of one session. */
export class Watch {
  readonly seen: Seen[] = [];
  #bytes = 0;

  add(picture: Picture, sizeBytes: number, atMs = performance.now()): void {
    this.seen.push({ ...picture, atMs });
    this.#bytes += sizeBytes;
  }

  /**
   * How long after sound was sent the picture came that shows it, for each picture that shows any.
   * @param sentAtMs When the sound at some ms of all that was sent went out.
   */
  delaysMs(sentAtMs: (ms: number) => number): number[] {
    return this.seen.flatMap(({ audioMs, atMs }) => {
      const delayMs = audioMs === null ? Number.NaN : atMs - sentAtMs(audioMs);
      return Number.isNaN(delayMs) ? [] : [delayMs];
    });
  }

  /** @param sentAtMs When the sound at some ms of all that was sent went out. */
  figures(sentAtMs: (ms: number) => number = () => Number.NaN): WatchFigures {
    const { seen } = this;
    const gapsMs = seen.slice(1).map(({ atMs }, i) => atMs - seen[i].atMs);
    const spanMs = (seen.at(-1)?.atMs ?? 0) - (seen[0]?.atMs ?? 0);
    const mediaMs = (seen.at(-1)?.timestampMs ?? 0) - (seen[0]?.timestampMs ?? 0);
    const keys = [...seen.keys()].filter((i) => seen[i].isKeyFrame);
    const delaysMs = this.delaysMs(sentAtMs);
    return {
      pictures: seen.length,
      missing: seen.length === 0 ? 0 : mediaMs / FRAME_MS + 1 - seen.length,
      keyFrames: keys.length,
      longestKeyFrameGap: Math.max(0, ...keys.slice(1).map((at, i) => at - keys[i])),
      framesPerSecond: ((seen.length - 1) * 1000) / spanMs,
      gapP50Ms: percentile(gapsMs, 0.5),
      gapP99Ms: percentile(gapsMs, 0.99),
      gapMaxMs: percentile(gapsMs, 1),
      kbitPerSecond: (this.#bytes * 8) / spanMs,
      heard: delaysMs.length,
      soundToPictureP50Ms: percentile(delaysMs, 0.5),
      soundToPictureP95Ms: percentile(delaysMs, 0.95),
    };
  }
}
