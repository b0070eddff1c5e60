import { MEL_BINS, MEL_SILENCE } from '../../audio/log-mel.ts';
import { MOUTH_PARAMETERS } from '../engine.ts';
import { WINDOW_ROWS as GATE_ROWS, Spectrum } from './spectrum.ts';
import { VoiceGate } from './voice-gate.ts';
import { NETWORK_DELAY_MS, STATE_SIZE, STATE_SOUND_SIZE, STEP_ROWS, type VoiceNetwork } from './voice-network.ts';

/** Sound before and after the frame that is wanted, in ms. See `FeatureSpec`. */
export const HISTORY_MS = 60;
export const LOOK_AHEAD_MS = NETWORK_DELAY_MS;

const WINDOW_ROWS = (HISTORY_MS + 40 + LOOK_AHEAD_MS) / 10;
/** The gate listens 40 ms ahead of the frame, so that lips can take their place before the sound is there. */
const GATE_FIRST_ROW = WINDOW_ROWS - GATE_ROWS;
/** How far a parameter goes towards its new value in one frame when the mouth opens. Closing is not held up. */
const OPENING_STEP = 0.85;
/** Part of the mouth that closes per frame once the voice is gone: shut in three frames, 120 ms. */
const SHUTTING_STEP = 1 / 3;
/** A parameter below this is zero: the mouth comes to rest and need not be drawn. */
const SMALLEST = 0.004;

/**
 * The network's press is how sure it is of p, b or m. Lips that are half pressed are a mouth in its own right that nobody
 * makes, so what is likely is done: nothing up to `from`, all from `to` on. In noise the network is less sure of everything.
 */
const PRESS_CLEAR = { from: 0.27, to: 0.45 };
const PRESS_IN_NOISE = { from: 0.2, to: 0.38 };
/** A voice that stands so far above the noise floor is in noise, or clear; between, something between. */
const IN_NOISE_DB = 15;
const CLEAR_DB = 35;

const [JAW, LOWER, UPPER, , , PRESS] = MOUTH_PARAMETERS.keys();

/**
 * Listens to one session's voice and says what the mouth does: the `MOUTH_PARAMETERS`. The network knows the sounds; a gate
 * in front of it knows whether anybody speaks, so that rooms and breaths never move the mouth.
 */
export class VoiceToMouth {
  readonly #network: VoiceNetwork;
  readonly #state = new Float32Array(STATE_SIZE);
  readonly #heard = new Float32Array(MOUTH_PARAMETERS.length);
  readonly #spectrum = new Spectrum();
  readonly #gate = new VoiceGate();
  readonly #mouth = new Float32Array(MOUTH_PARAMETERS.length);
  readonly #shutFrom = new Float32Array(MOUTH_PARAMETERS.length);
  readonly #lastRow = new Float32Array(MEL_BINS).fill(Number.NaN);
  /** The network's press of the frame before. */
  #lastPress = 0;
  #generation = -1;

  /** @param network Shared by the thread's sessions; stays the caller's. */
  constructor(network: VoiceNetwork) {
    this.#network = network;
  }

  /**
   * Goes on by one frame. A step begins when the one before has settled.
   *
   * @param features Row-major `[18, 80]` log-mel by {@link HISTORY_MS} and {@link LOOK_AHEAD_MS}. Borrowed until the promise settles.
   * @param generation Interrupt generation; another one than before means that everything said is forgotten.
   * @param out Eight numbers, 0..1; all exactly 0 when the mouth rests.
   * @returns False if the mouth rests.
   * @throws {RangeError} if the features have another shape.
   * @throws {AppError} `engine_failed` if the network fails.
   */
  async step(features: Float32Array, generation: number, out: Float32Array): Promise<boolean> {
    if (features.length !== WINDOW_ROWS * MEL_BINS) {
      throw new RangeError(`features must have ${WINDOW_ROWS} rows of ${MEL_BINS}, got ${features.length} numbers`);
    }
    if (generation !== this.#generation) this.#forget(generation);
    this.#spectrum.read(features.subarray(GATE_FIRST_ROW * MEL_BINS));
    const isSilent = features.every((value) => value === MEL_SILENCE);
    const isOpen = this.#gate.step(this.#spectrum) > 0 && !isSilent;
    await this.#listen(features, isSilent);
    if (isOpen) this.#follow();
    else this.#shut();
    out.set(this.#mouth);
    return this.#mouth.some((value) => value > 0);
  }

  /** An interrupt stops the speech, not the microphone: how it sounds is kept, what it said is not. */
  #forget(generation: number): void {
    this.#generation = generation;
    this.#mouth.fill(0);
    this.#shutFrom.fill(0);
    this.#lastPress = 0;
    this.#state.fill(0, STATE_SOUND_SIZE);
    this.#lastRow.fill(Number.NaN);
  }

  /** Lets the network hear what it has not heard yet: one step as a rule, all of the window where sound is missing. */
  async #listen(features: Float32Array, isSilent: boolean): Promise<void> {
    const steps = this.#newSteps(features);
    for (let left = steps; left > 0; left--) {
      const first = (WINDOW_ROWS - left * STEP_ROWS) * MEL_BINS;
      await this.#network.step(features.subarray(first, first + STEP_ROWS * MEL_BINS), this.#state, this.#heard);
    }
    this.#lastRow.set(features.subarray((WINDOW_ROWS - 1) * MEL_BINS));
    // In digital silence there is nothing to hear, and nothing that a voice could have left behind.
    if (isSilent) this.#state.fill(0, STATE_SOUND_SIZE);
  }

  #newSteps(features: Float32Array): number {
    const mostSteps = Math.floor(WINDOW_ROWS / STEP_ROWS);
    for (let steps = 1; steps <= mostSteps; steps++) {
      const at = (WINDOW_ROWS - 1 - steps * STEP_ROWS) * MEL_BINS;
      if (this.#lastRow.every((value, bin) => value === features[at + bin])) return steps;
    }
    return mostSteps;
  }

  #follow(): void {
    const mouth = this.#mouth;
    const heard = this.#heard[PRESS];
    // Lips that part do so at once: the network grows unsure slowly.
    this.#heard[PRESS] = this.#pressed(heard - Math.max(0, this.#lastPress - heard));
    this.#lastPress = heard;
    for (let p = 0; p < mouth.length; p++) {
      const opens = (p === JAW || p === LOWER || p === UPPER) && this.#heard[p] > mouth[p];
      mouth[p] += (this.#heard[p] - mouth[p]) * (opens ? OPENING_STEP : 1);
      if (mouth[p] < SMALLEST) mouth[p] = 0;
    }
    this.#shutFrom.set(mouth);
  }

  /** What lips do of whom the network says `press`. */
  #pressed(press: number): number {
    const clear = Math.min(1, Math.max(0, (this.#gate.clearDb - IN_NOISE_DB) / (CLEAR_DB - IN_NOISE_DB)));
    const from = PRESS_IN_NOISE.from + (PRESS_CLEAR.from - PRESS_IN_NOISE.from) * clear;
    const to = PRESS_IN_NOISE.to + (PRESS_CLEAR.to - PRESS_IN_NOISE.to) * clear;
    return Math.min(1, Math.max(0, (press - from) / (to - from)));
  }

  #shut(): void {
    for (let p = 0; p < this.#mouth.length; p++) {
      const left = this.#mouth[p] - this.#shutFrom[p] * SHUTTING_STEP;
      this.#mouth[p] = left < SMALLEST ? 0 : left;
    }
  }
}
