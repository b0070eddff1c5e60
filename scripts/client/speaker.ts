import { MODEL_SAMPLE_RATE_HZ, SAMPLE_RATE_HZ } from '../../server/audio/pcm.ts';
import { resample } from '../../server/audio/resampler.ts';
import { loadWav } from '../../server/sources/wav-file.ts';
import { type FrameClient, PIECE_SAMPLES } from '../../web/src/frame-client.js';

const PIECE_MS = (PIECE_SAMPLES * 1000) / MODEL_SAMPLE_RATE_HZ;

/** Reads a wav file as the frame service takes sound: mono, 16 kHz, signed 16 bit. @throws {AppError} `media_unreadable`. */
export async function loadSpeech(path: string): Promise<Int16Array> {
  const samples = resample(await loadWav(path), SAMPLE_RATE_HZ, MODEL_SAMPLE_RATE_HZ);
  return Int16Array.from(samples, (value) => Math.round(Math.max(-1, Math.min(1, value)) * 32_767));
}

/** Sends sound as a microphone would: 40 ms every 40 ms, by the clock. */
export class Speaker {
  readonly #client: FrameClient;
  /** When each piece was sent, `performance.now()` ms. */
  readonly sentMs: number[] = [];
  /** All that was sent. */
  readonly pieces: Int16Array[] = [];
  #timer: NodeJS.Timeout | undefined;
  #finish: () => void = () => {};

  constructor(client: FrameClient) {
    this.#client = client;
  }

  /**
   * Sends `pcm` from its beginning; settles when the last piece was sent and a microphone would have the next one, or {@link stop}
   * was called.
   */
  async speak(pcm: Int16Array, baseVideo: string | null = null): Promise<void> {
    this.stop();
    const originMs = performance.now();
    const count = Math.ceil(pcm.length / PIECE_SAMPLES);
    const video = baseVideo === null ? null : ({ state: 'speaking', baseVideo } as const);
    let sent = 0;
    await new Promise<void>((resolve) => {
      this.#finish = resolve;
      const sendDue = (): void => {
        for (; sent < count && originMs + sent * PIECE_MS <= performance.now(); sent += 1) {
          const piece = new Int16Array(PIECE_SAMPLES);
          piece.set(pcm.subarray(sent * PIECE_SAMPLES, (sent + 1) * PIECE_SAMPLES));
          this.#client.sendSound(piece, video);
          this.sentMs.push(performance.now());
          this.pieces.push(piece);
        }
        const next = sent === count ? resolve : sendDue;
        this.#timer = setTimeout(next, Math.ceil(originMs + sent * PIECE_MS - performance.now()));
      };
      sendDue();
    });
  }

  /** Says no more. Idempotent. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#finish();
  }

  /** When the sound at `ms` of all that was sent went out; NaN if it did not. */
  sentAtMs(ms: number): number {
    return this.sentMs[Math.max(0, Math.floor(ms / PIECE_MS))] ?? Number.NaN;
  }
}
