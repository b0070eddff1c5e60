import type { CHUNK_SAMPLES } from '../audio/pcm.ts';

/** What a source said of the 20 ms that it gave. */
export interface SourceRead {
  /** `sound`: samples were written. `silence`: nothing to hear, zeros were written. `end`: nothing more will come. */
  readonly kind: 'sound' | 'silence' | 'end';
  /** When the sound reached this process, `performance.now()` ms; NaN if it did not come from outside. */
  readonly arrivedMs: number;
}

/**
 * Where a session's sound comes from. The session pulls: once every 20 ms, by its own clock. A source
 * that gets sound from elsewhere holds the buffer between the two clocks.
 */
export interface Source {
  /**
   * Gives the next 20 ms.
   *
   * @param out {@link CHUNK_SAMPLES} samples, mono 48 kHz, -1..1; written completely. Borrowed for the call.
   * @param startSample Media time of the first sample, in samples at 48 kHz since the session began.
   */
  read(out: Float32Array, startSample: number): SourceRead;
  /** Sound that was received but not read yet, ms: so much later it is heard because of this source. 0 if it makes its own. */
  readonly bufferedMs: number;
  /** Forgets sound that was received but not yet read (an interrupt). */
  clear(): void;
  /** Releases what the source holds. Reading afterwards gives `end`. Idempotent. */
  close(): void;
}
