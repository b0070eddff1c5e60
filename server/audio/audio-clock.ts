import { CHUNK_MS, CHUNK_SAMPLES, FRAME_MS, FRAME_SAMPLES } from './pcm.ts';

/**
 * Says when each chunk and each video frame of a session is due. A session has exactly one clock. Every answer is
 * computed from a number and the origin, never by adding up waits, so sound and picture cannot drift apart.
 */
export class AudioClock {
  /** Monotonic time of media sample 0, in ms. */
  readonly originMs: number;
  readonly #nowMs: () => number;

  /**
   * @param nowMs Monotonic time in milliseconds. Tests and offline rendering pass their own.
   * @param originMs Time of media sample 0; the moment of construction if left out.
   * @throws {RangeError} if the origin is not a finite number.
   */
  constructor(nowMs: () => number, originMs: number = nowMs()) {
    if (!Number.isFinite(originMs)) throw new RangeError(`originMs must be a finite number of ms, got ${originMs}`);
    this.#nowMs = nowMs;
    this.originMs = originMs;
  }

  /** First sample of `chunk`, at 48 kHz; the chunk ends where the next one starts. */
  chunkStartSample(chunk: number): number {
    return chunk * CHUNK_SAMPLES;
  }

  /** First sample of `frame`, at 48 kHz; the frame ends where the next one starts. */
  frameStartSample(frame: number): number {
    return frame * FRAME_SAMPLES;
  }

  /** Monotonic time at which `chunk` begins, in ms. */
  chunkDueMs(chunk: number): number {
    return this.originMs + chunk * CHUNK_MS;
  }

  /** Monotonic time at which `frame` begins, in ms. */
  frameDueMs(frame: number): number {
    return this.originMs + frame * FRAME_MS;
  }

  /** Milliseconds until `chunk` begins; negative when it is late. */
  msUntilChunk(chunk: number): number {
    return this.chunkDueMs(chunk) - this.#nowMs();
  }

  /** Milliseconds until `frame` begins; negative when it is late. */
  msUntilFrame(frame: number): number {
    return this.frameDueMs(frame) - this.#nowMs();
  }
}
