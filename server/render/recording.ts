import type { Frame } from '../codecs/frame.ts';
import { type Packet, VIDEO_TICKS_PER_FRAME } from '../codecs/packet.ts';
import type { Transport } from '../transports/transport.ts';
import type { OfflineTimers } from './offline-timers.ts';

/** Pictures and sounds that may wait for the film to take them; then time stands still. */
const MOST_WAITING = 8;

/** What takes a film (codecs/video-file-writer.ts). Both calls take what they are given until their promise settles. */
export interface Film {
  writeFrame(frame: Frame): Promise<void>;
  /** @param samples Mono 48 kHz, the sound that follows the call before. */
  writeAudio(samples: Float32Array): Promise<void>;
}

export interface RecordingOptions {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly film: Film;
  readonly timers: OfflineTimers;
}

/**
 * A viewer that writes a film of what `RAW_ENCODERS` made. Picture i and sample n stand in it where they stand in media time,
 * at i / 25 s and n / 48000 s.
 */
export class Recording implements Transport {
  readonly videoCodec = 'H264';
  readonly wantsAudio = true;
  readonly #options: RecordingOptions;
  /** Writes under way, the oldest first. */
  readonly #writes: Promise<void>[] = [];
  #frames = 0;
  #samples = 0;
  #failure: unknown = null;

  constructor(options: RecordingOptions) {
    this.#options = options;
  }

  /** Pictures so far. */
  get frames(): number {
    return this.#frames;
  }

  /** Samples so far. */
  get samples(): number {
    return this.#samples;
  }

  /** Why the film did not take something; null while all is well. */
  get failure(): unknown {
    return this.#failure;
  }

  start(): void {}

  sendVideo({ data, timestamp }: Packet): void {
    if (timestamp !== this.#frames * VIDEO_TICKS_PER_FRAME) {
      throw new RangeError(`picture ${this.#frames} was expected, got ${timestamp / VIDEO_TICKS_PER_FRAME}`);
    }
    this.#frames += 1;
    const { widthPx, heightPx, film } = this.#options;
    this.#await(film.writeFrame({ widthPx, heightPx, data }));
  }

  sendAudio({ data, timestamp }: Packet): void {
    if (timestamp !== this.#samples) throw new RangeError(`sample ${this.#samples} was expected, got ${timestamp}`);
    const samples = new Float32Array(data.buffer, data.byteOffset, data.byteLength / Float32Array.BYTES_PER_ELEMENT);
    this.#samples += samples.length;
    this.#await(this.#options.film.writeAudio(samples));
  }

  /** Waits until all was written. */
  async close(): Promise<void> {
    await Promise.all(this.#writes);
  }

  #await(write: Promise<void>): void {
    const done = write.catch((error) => {
      this.#failure ??= error;
    });
    this.#writes.push(done);
    const { timers } = this.#options;
    if (this.#writes.length > MOST_WAITING) timers.hold(this.#writes.shift() ?? done, timers.nowMs());
  }
}
