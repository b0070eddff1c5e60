/** Sample rate of everything that is heard. Media time is counted in samples of this rate. */
export const SAMPLE_RATE_HZ = 48_000;
/** Sample rate of everything that models hear. */
export const MODEL_SAMPLE_RATE_HZ = 16_000;
/** Length of an `AudioChunk`, which is also the length of one Opus packet on the wire. */
export const CHUNK_MS = 20;
/** Samples of a chunk as heard: 20 ms at 48 kHz. */
export const CHUNK_SAMPLES = 960;
/** Samples of a chunk as the models hear it: 20 ms at 16 kHz. */
export const MODEL_CHUNK_SAMPLES = 320;
/** Video rate of the product; every engine was made for it. */
export const FRAMES_PER_SECOND = 25;
/** Sound that belongs to one video frame: 40 ms at 48 kHz. */
export const FRAME_SAMPLES = 1920;
/** Length of one video frame. */
export const FRAME_MS = 40;
/** Chunks that belong to one video frame. */
export const CHUNKS_PER_FRAME = 2;

/** 20 ms of sound on its way through a session. Shared and never written once it was made. */
export interface AudioChunk {
  /** Media time of the first sample, in samples at 48 kHz since the session began. */
  readonly startSample: number;
  /** What is heard: 960 samples, mono, -1..1. */
  readonly heard: Float32Array;
  /** What models hear: the same 20 ms as 320 samples at 16 kHz. */
  readonly model: Float32Array;
  /** False while the source gave nothing but silence (not spoken, muted, gap). */
  readonly isSilent: boolean;
  /** Whether somebody speaks in it; pauses within the speech count as such. */
  readonly isVoiced: boolean;
  /** Interrupt generation of the session when the sound came in. */
  readonly generation: number;
  /** When the sound reached this process, `performance.now()` ms; NaN if it was made here (a clip, silence). */
  readonly arrivedMs: number;
}
