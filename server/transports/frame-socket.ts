import { FRAMES_PER_SECOND } from '../audio/pcm.ts';
import { type Packet, VIDEO_TICKS_PER_FRAME } from '../codecs/packet.ts';
import type { Metrics } from '../metrics.ts';
import type { Transport } from './transport.ts';

/** One picture on its way to a client. */
export interface OutgoingFrame {
  /** H.264 access unit in Annex B form; SPS and PPS come before each IDR. Never written again. */
  readonly data: Uint8Array;
  /** Counted since media time began; 40 ms each. */
  readonly frame: number;
  readonly isKeyFrame: boolean;
}

export interface FrameSocketOptions {
  /** Sends one picture. */
  readonly write: (frame: OutgoingFrame) => void;
  /** Bytes that wait to be taken by the client. */
  readonly backlogBytes: () => number;
  /** Beyond this much waiting, pictures are left out. */
  readonly maxBacklogBytes: number;
  readonly metrics: Metrics;
}

/**
 * A client that gets pictures as messages and plays its own sound. Waiting pictures: at most `maxBacklogBytes` and one
 * picture; then all are left out, and counted, up to the next key frame for which there is room; emptied by the client's reading.
 */
export class FrameSocket implements Transport {
  readonly videoCodec = 'H264';
  readonly wantsAudio = false;
  readonly keyFrameEveryFrames = FRAMES_PER_SECOND;
  readonly #options: FrameSocketOptions;
  /** `behind`: pictures are left out. At first, too: decoding begins with a key frame. */
  #state: 'new' | 'following' | 'behind' | 'closed' = 'new';

  constructor(options: FrameSocketOptions) {
    this.#options = options;
  }

  start(): void {}

  sendVideo({ data, timestamp, isKeyFrame }: Packet): void {
    if (this.#state === 'closed') return;
    const { write, backlogBytes, maxBacklogBytes, metrics } = this.#options;
    const hasRoom = backlogBytes() <= maxBacklogBytes;
    if (this.#state === 'following' && !hasRoom) this.#state = 'behind';
    if (this.#state !== 'following') {
      if (!isKeyFrame || !hasRoom) {
        if (this.#state === 'behind') metrics.counter('frames_dropped_slow_client').add();
        return;
      }
      this.#state = 'following';
    }
    write({ data, frame: timestamp / VIDEO_TICKS_PER_FRAME, isKeyFrame });
  }

  sendAudio(): void {}

  async close(): Promise<void> {
    this.#state = 'closed';
  }
}
