import { FRAME_ROWS, Spectrum } from '../../server/engines/embedded/spectrum.ts';
import { VoiceGate } from '../../server/engines/embedded/voice-gate.ts';
import { MOUTH_PARAMETERS } from '../../server/engines/engine.ts';

/** Sound before and after the frame that the rules want, in ms. See `FeatureSpec`. */
export const HISTORY_MS = 60;
export const LOOK_AHEAD_MS = 40;

/** How far a parameter goes towards its new value in one frame when the mouth opens. Closing is not held up. */
const OPENING_STEP = 0.75;
/** Part of the mouth that closes per frame once the voice is gone: shut in three frames, 120 ms. */
const SHUTTING_STEP = 1 / 3;
/** A parameter below this is zero: the mouth comes to rest and need not be drawn. */
const SMALLEST = 0.004;

const [JAW, LOWER, UPPER, SPREAD, ROUND, PRESS] = MOUTH_PARAMETERS.keys();

/**
 * Says what the mouth does without a network: the `MOUTH_PARAMETERS` by rules of thumb of phonetics. What the network has to beat.
 *
 * - The louder the voice (relative to how loud this voice gets), the further everything goes.
 * - Energy around 700 Hz against that below 400 Hz tells a low tongue, so an open jaw (first formant of "ah" against "ee", "oo").
 * - Energy at 1.7-3 kHz against 1-1.5 kHz tells spread lips from round ones (second formant of "ee" against "oo").
 * - Most energy above 4 kHz is s or sh: teeth almost closed, lips parted.
 * - A short dip between two loud sounds, without a hiss in it, is a closure: p, b, m.
 *
 * What cannot be heard in these bands (f, v, th; tongue) stays at rest. Thresholds are means of phones in synthetic speech.
 */
export class MouthRules {
  readonly #spectrum = new Spectrum();
  readonly #target = new Float32Array(MOUTH_PARAMETERS.length);
  #gate = new VoiceGate();
  #mouth = new Float32Array(MOUTH_PARAMETERS.length);
  #shutFrom = new Float32Array(MOUTH_PARAMETERS.length);
  #generation = -1;

  /**
   * Goes on by one frame.
   *
   * @param features Row-major `[14, 80]` log-mel by {@link HISTORY_MS} and {@link LOOK_AHEAD_MS}. Borrowed for the call.
   * @param generation Interrupt generation; another one than before means that everything heard is forgotten.
   * @param out Eight numbers, 0..1; all exactly 0 when the mouth rests.
   * @returns False if the mouth rests.
   */
  step(features: Float32Array, generation: number, out: Float32Array): boolean {
    if (generation !== this.#generation) {
      // An interrupt stops the speech, not the microphone: levels are kept, the movement is not.
      this.#generation = generation;
      this.#mouth.fill(0);
      this.#shutFrom.fill(0);
    }
    this.#spectrum.read(features);
    const loudness = this.#gate.step(this.#spectrum);
    if (loudness > 0) this.#follow(loudness);
    else this.#shut();
    out.set(this.#mouth);
    return this.#mouth.some((value) => value > 0);
  }

  #follow(loudness: number): void {
    this.#aim(loudness);
    const mouth = this.#mouth;
    const target = this.#target;
    for (let p = 0; p < mouth.length; p++) {
      const isClosing = p === PRESS ? target[p] > mouth[p] : target[p] < mouth[p];
      const isLip = p === SPREAD || p === ROUND;
      mouth[p] += (target[p] - mouth[p]) * (isClosing && !isLip ? 1 : OPENING_STEP);
      if (mouth[p] < SMALLEST) mouth[p] = 0;
    }
    this.#shutFrom.set(mouth);
  }

  #shut(): void {
    for (let p = 0; p < this.#mouth.length; p++) {
      const left = this.#mouth[p] - this.#shutFrom[p] * SHUTTING_STEP;
      this.#mouth[p] = left < SMALLEST ? 0 : left;
    }
  }

  #aim(loudness: number): void {
    const { low, first, middle, second, hiss, level } = this.#spectrum;
    const isOpen = sigmoid((first - low + 9) / 4);
    const isFront = sigmoid((second - middle - 5) / 5);
    const isBackOpen = sigmoid((-25 - (second - first)) / 3);
    const isBackClose = sigmoid((-3 - (second - middle)) / 4);
    const isHiss = sigmoid((hiss - level + 12) / 3);
    const isBroadHiss = isHiss * sigmoid((second - middle - 14) / 3);
    const closure = this.#closure();

    const voice = loudness * (1 - isHiss) * (1 - closure);
    const fricative = Math.min(1, 2.5 * loudness) * isHiss;
    const target = this.#target;
    target[JAW] = voice * (0.13 + 0.47 * isOpen) + fricative * 0.05;
    target[LOWER] = voice * 0.12 * (1 - isOpen) + fricative * 0.38;
    target[UPPER] = voice * 0.12 * isFront + fricative * 0.2;
    target[SPREAD] = voice * 0.45 * isFront + fricative * 0.3 * (1 - isBroadHiss);
    target[ROUND] =
      voice * (0.5 * isOpen * isBackOpen + 0.9 * (1 - isOpen) * isBackClose) + fricative * 0.5 * isBroadHiss;
    target[PRESS] = closure;
  }

  /** 0..1: how surely the lips are closed in this frame between two sounds. */
  #closure(): number {
    const { formants, levels, loudestHiss } = this.#spectrum;
    let before = Number.NEGATIVE_INFINITY;
    let within = Number.POSITIVE_INFINITY;
    let after = Number.NEGATIVE_INFINITY;
    let loudest = Number.NEGATIVE_INFINITY;
    for (let row = 0; row < formants.length; row++) {
      if (row < FRAME_ROWS.first) before = Math.max(before, formants[row]);
      else if (row > FRAME_ROWS.last) after = Math.max(after, formants[row]);
      else within = Math.min(within, formants[row]);
      loudest = Math.max(loudest, levels[row]);
    }
    const depth = Math.min(before, after) - within;
    // The tongue's stops (t d k g) burst open with a hiss, the lips' ones with a thud.
    const hasBurst = sigmoid((loudestHiss - loudest + 34) / 3);
    return sigmoid((depth - 12) / 2.5) * (1 - hasBurst);
  }
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
