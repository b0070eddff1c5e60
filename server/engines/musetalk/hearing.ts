import { MEL_BINS, MEL_HOP_SAMPLES } from '../../audio/log-mel.ts';
import { FRAME_MS, MODEL_SAMPLE_RATE_HZ } from '../../audio/pcm.ts';
import { AppError } from '../../errors.ts';
import type { Model } from '../../models/model.ts';
import type { MouthJob } from '../engine.ts';
import { copyWindow, FEATURES_BEFORE, FEATURES_PER_SECOND, WINDOW_FEATURES } from './feature-windows.ts';
import { WhisperMel } from './whisper-mel.ts';

/** Sound before a frame that is heard along with it: the mel's scale follows the loudest of it, and must not jump with every breath. */
export const HISTORY_MS = 2800;
/**
 * Sound after a frame that is waited for. The frame's window ends 80 ms after it, and what its last feature is made of 12.5 ms
 * later; the rest is what lets the same answer of the encoder serve the next frame as well.
 */
export const LOOK_AHEAD_MS = 160;

const FEATURE_SAMPLES = MODEL_SAMPLE_RATE_HZ / FEATURES_PER_SECOND;
const FEATURES_PER_FRAME = (FRAME_MS * FEATURES_PER_SECOND) / 1000;
/** Samples from the beginning of a frame to the end of its job's sound. */
const SAMPLES_FROM_FRAME = ((FRAME_MS + LOOK_AHEAD_MS) * MODEL_SAMPLE_RATE_HZ) / 1000;
/** Frames that one answer of the encoder serves: as many as have all the sound that their windows' features are made of. */
const FRAMES_PER_RUN = 2;
const KEPT_FEATURES = WINDOW_FEATURES + (FRAMES_PER_RUN - 1) * FEATURES_PER_FRAME;

export interface HearingSizes {
  /** Numbers of a hidden state. */
  readonly width: number;
  /** Hidden states of a feature. */
  readonly layers: number;
  /** Features that the encoder makes. */
  readonly positions: number;
  /** Mel frames that it takes. */
  readonly melFrames: number;
}

/** What was heard of a session around its newest frames. */
interface Heard {
  readonly generation: number;
  /** The first frame that {@link features} serve. */
  readonly frame: number;
  /** {@link KEPT_FEATURES} features, those of the frame's window first. */
  readonly features: Float32Array;
}

/** The first of MuseTalk's networks: hears with Whisper's encoder what is said around each frame of each session. */
export class Hearing {
  readonly #encoder: Pick<Model, 'run'>;
  readonly #sizes: HearingSizes;
  readonly #mel = new WhisperMel();
  readonly #input: Float32Array;
  readonly #hidden: Float32Array;
  readonly #sessions = new Map<string, Heard>();

  /** @param encoder Stays the caller's. */
  constructor(encoder: Pick<Model, 'run'>, sizes: HearingSizes) {
    this.#encoder = encoder;
    this.#sizes = sizes;
    this.#input = new Float32Array(MEL_BINS * sizes.melFrames);
    this.#hidden = new Float32Array(sizes.positions * sizes.layers * sizes.width);
  }

  /** Numbers that {@link listen} writes. */
  get windowSize(): number {
    return WINDOW_FEATURES * this.#featureSize;
  }

  /**
   * Writes the window of a job's frame. The encoder runs for every second frame of a session that speaks on.
   *
   * @param out {@link windowSize} numbers, row-major `[10·layers, width]`, written completely.
   * @throws {AppError} `engine_failed` if the encoder fails, or answers what is no number.
   */
  async listen({ sessionId, generation, frame, features }: MouthJob, out: Float32Array): Promise<void> {
    let heard = this.#sessions.get(sessionId);
    const ahead = heard?.generation === generation ? frame - heard.frame : Number.NaN;
    if (!heard || !(ahead >= 0 && ahead < FRAMES_PER_RUN)) {
      heard = { generation, frame, features: await this.#hear(features) };
      this.#sessions.set(sessionId, heard);
    }
    const from = (frame - heard.frame) * FEATURES_PER_FRAME * this.#featureSize;
    out.set(heard.features.subarray(from, from + this.windowSize));
  }

  /** Forgets a session. Idempotent. */
  forget(sessionId: string): void {
    this.#sessions.delete(sessionId);
  }

  get #featureSize(): number {
    return this.#sizes.layers * this.#sizes.width;
  }

  /** @param sound Ends {@link SAMPLES_FROM_FRAME} after the frame's beginning. */
  async #hear(sound: Float32Array): Promise<Float32Array> {
    const { positions, layers, width, melFrames } = this.#sizes;
    // Whole features, so that the frame's own begin where it does.
    const most = Math.floor((melFrames * MEL_HOP_SAMPLES) / FEATURE_SAMPLES) * FEATURE_SAMPLES;
    const newest = sound.subarray(Math.max(0, sound.length - most));
    this.#mel.compute(newest, this.#input);
    await this.#encoder.run(
      { input_features: { data: this.#input, dims: [1, MEL_BINS, melFrames] } },
      { hidden: { data: this.#hidden, dims: [1, positions, layers, width] } },
    );
    const start = (newest.length - SAMPLES_FROM_FRAME) / FEATURE_SAMPLES - FEATURES_BEFORE;
    const kept = new Float32Array(KEPT_FEATURES * this.#featureSize);
    const states = { data: this.#hidden, layers, width };
    for (let ahead = 0; ahead < FRAMES_PER_RUN; ahead++) {
      const from = ahead * FEATURES_PER_FRAME;
      const window = kept.subarray(from * this.#featureSize, (from + WINDOW_FEATURES) * this.#featureSize);
      copyWindow(states, start + from, positions, window);
    }
    // What is kept would spoil the next frame as well.
    if (!kept.every(Number.isFinite)) {
      throw new AppError('engine_failed', "Whisper's encoder answers what is no number");
    }
    return kept;
  }
}
