import { FeatureStream } from '../audio/feature-stream.ts';
import {
  type AudioChunk,
  CHUNK_MS,
  CHUNK_SAMPLES,
  CHUNKS_PER_FRAME,
  FRAME_MS,
  MODEL_CHUNK_SAMPLES,
} from '../audio/pcm.ts';
import { Decimator } from '../audio/resampler.ts';
import { VoiceActivity } from '../audio/voice-activity.ts';
import type { FeatureSpec } from '../engines/engine.ts';
import type { Metrics } from '../metrics.ts';
import type { Source } from '../sources/source.ts';
import type { Timers } from '../timers.ts';

/** After speech the engine goes on for this long, so that it can ease the mouth shut itself. */
const EASE_OUT_MS = 320;
/** Half a second. */
const RECENT_CHUNKS = 25;

/**
 * Turns the session's sources into chunks and feature windows. A clip that plays goes before the microphone, whose sound is
 * read and thrown away meanwhile, so that it is live again when the clip ends.
 */
export class SoundIntake {
  readonly #watch: { readonly timers: Timers; readonly metrics: Metrics };
  #features: FeatureStream;
  /** Sound that is waited for after a frame has ended, ms: the engine's look-ahead, or more. */
  #waitMs: number;
  /** The newest sound at the models' rate, for an engine that takes over: chunk `n` at `n % RECENT_CHUNKS`. Copied: chunks die young. */
  readonly #recent = new Float32Array(RECENT_CHUNKS * MODEL_CHUNK_SAMPLES);
  #nextFrame = 0;
  #decimator = new Decimator();
  readonly #voice = new VoiceActivity();
  readonly #ignored = new Float32Array(CHUNK_SAMPLES);
  #microphone: Source | null = null;
  #clip: { source: Source; name: string } | null = null;
  #isHeld = false;
  #generation = 0;
  #nextChunk = 0;
  #lastVoicedChunk = Number.NEGATIVE_INFINITY;

  constructor(spec: FeatureSpec, watch: { readonly timers: Timers; readonly metrics: Metrics }) {
    this.#watch = watch;
    this.#features = new FeatureStream(spec);
    this.#waitMs = spec.lookAheadMs;
  }

  /**
   * From the next frame on, makes windows for another engine. It hears what was said in the last half second, and silence before.
   * @param waitMs Sound to wait for after a frame has ended, a multiple of 20; at least the engine's look-ahead.
   */
  setFeatures(spec: FeatureSpec, waitMs: number): void {
    const first = Math.max(0, this.#nextChunk - RECENT_CHUNKS);
    this.#features = new FeatureStream(spec, first);
    for (let chunk = first; chunk < this.#nextChunk; chunk += 1) {
      const at = (chunk % RECENT_CHUNKS) * MODEL_CHUNK_SAMPLES;
      this.#features.push(this.#recent.slice(at, at + MODEL_CHUNK_SAMPLES));
    }
    this.#waitMs = waitMs;
  }

  /** Raised by every interrupt; sound of an older generation is not to be sent any more. */
  get generation(): number {
    return this.#generation;
  }

  /** Name of the clip that plays, or null. */
  get playing(): string | null {
    return this.#clip?.name ?? null;
  }

  /** Whether there is something that sound may come from. */
  get isListening(): boolean {
    return this.#microphone !== null || this.#clip !== null;
  }

  /** Sound of the microphone that waits to be taken in, ms. */
  get bufferedMs(): number {
    return this.#microphone?.bufferedMs ?? 0;
  }

  /** Owns `source` from now on, and closes the microphone before it. */
  setMicrophone(source: Source): void {
    this.#microphone?.close();
    this.#microphone = source;
  }

  /** Owns `source` from now on. A clip that plays is replaced. */
  play(name: string, source: Source): void {
    this.#clip?.source.close();
    this.#clip = { name, source };
  }

  /** While held, nothing is taken from the sources: their sound waits, and there is silence. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
  }

  /** Stops the clip and forgets all sound that was not sent yet. */
  interrupt(): void {
    this.#generation += 1;
    this.#clip?.source.close();
    this.#clip = null;
    this.#microphone?.clear();
    // Neither the filter's memory nor the detector's patience may carry the old sound over.
    this.#decimator = new Decimator();
    this.#voice.hush();
    this.#lastVoicedChunk = Number.NEGATIVE_INFINITY;
  }

  /** Takes the next 20 ms from the source that speaks. */
  take(): AudioChunk {
    const startSample = this.#nextChunk * CHUNK_SAMPLES;
    const heard = new Float32Array(CHUNK_SAMPLES);
    const { isSilent, arrivedMs } = this.#read(heard, startSample);
    const { timers, metrics } = this.#watch;
    const startedMs = timers.nowMs();
    const model = this.#decimator.process(heard);
    this.#features.push(model);
    this.#recent.set(model, (this.#nextChunk % RECENT_CHUNKS) * MODEL_CHUNK_SAMPLES);
    const isVoiced = this.#voice.process(model);
    if (isVoiced) this.#lastVoicedChunk = this.#nextChunk;
    metrics.histogram('features_ms').record(timers.nowMs() - startedMs);
    this.#nextChunk += 1;
    return { startSample, heard, model, isSilent, isVoiced, generation: this.#generation, arrivedMs };
  }

  /** Number of the frame that {@link readyFrame} tells next. */
  get nextFrame(): number {
    return this.#nextFrame;
  }

  /** The next frame, if all the sound is in that is waited for; null otherwise. To be asked once per chunk. */
  readyFrame(): number | null {
    const chunks = this.#nextChunk - this.#waitMs / CHUNK_MS;
    return chunks >= (this.#nextFrame + 1) * CHUNKS_PER_FRAME ? this.#nextFrame++ : null;
  }

  /** Whether there is, or just was, a voice around the newest ready frame; if not, the mouth is closed without asking the engine. */
  get isTalking(): boolean {
    const quietMs = (this.#nextChunk - 1 - this.#lastVoicedChunk) * CHUNK_MS;
    return quietMs < this.#waitMs + FRAME_MS + EASE_OUT_MS;
  }

  /** Features of `frame`, as the engine wants them; the caller owns the array. */
  window(frame: number): Float32Array {
    return this.#features.window(frame);
  }

  close(): void {
    this.#clip?.source.close();
    this.#microphone?.close();
    this.#clip = null;
    this.#microphone = null;
  }

  #read(heard: Float32Array, startSample: number): { isSilent: boolean; arrivedMs: number } {
    if (this.#isHeld) {
      // What waits is read when the hold is over.
    } else if (this.#clip) {
      this.#microphone?.read(this.#ignored, startSample);
      const { kind, arrivedMs } = this.#clip.source.read(heard, startSample);
      if (kind !== 'end') return { isSilent: kind === 'silence', arrivedMs };
      this.#clip.source.close();
      this.#clip = null;
    } else if (this.#microphone) {
      const { kind, arrivedMs } = this.#microphone.read(heard, startSample);
      if (kind === 'sound') return { isSilent: false, arrivedMs };
    }
    heard.fill(0);
    return { isSilent: true, arrivedMs: Number.NaN };
  }
}
