import { FRAME_ROWS, type Spectrum } from './spectrum.ts';

/** Levels in dB as `Spectrum` counts them; times in video frames of 40 ms. */
const SILENCE = -68;
/** The noise floor sinks at once and rises slowly, but fast under what does not sound like a voice. */
const FLOOR_RISE = 0.08;
const FLOOR_RISE_IN_NOISE = 6;
/** Opens this far above the noise floor, shuts below the smaller distance. */
const OPEN_ABOVE_FLOOR = 9;
const SHUT_BELOW_FLOOR_PLUS = 5;
/** Sounds with fewer peaks are noise when the gate is shut, and after {@link NOISE_FRAMES} also when it is open. */
const VOICE_PEAKS = 3.6;
const NOISE_PEAKS = 3.1;
const NOISE_FRAMES = 6;
/** Pauses of up to this many frames belong to the word. */
const HOLD_FRAMES = 2;
/** How much softer than the loudest a voice may be before the mouth no longer moves. */
const RANGE = 32;
const SMALLEST_RANGE = 18;
/** The loudest is followed upwards within a few frames, downwards by 3 dB a second while somebody speaks. */
const PEAK_ATTACK = 0.45;
const PEAK_DECAY = 0.12;
/** A voice heard for the first time is taken to be this much below its loudest, and that to be no softer than this. */
const FIRST_HEADROOM = 5;
const FIRST_PEAK = -34;
const LOWEST_PEAK = -48;

/** Tells voice from room, and how loud the voice is for this speaker and microphone. One per session. */
export class VoiceGate {
  #floor = Number.NaN;
  #peak = Number.NaN;
  #isOpen = false;
  #quietFrames = 0;
  #noiseFrames = 0;

  /** How far the loudest lately stands above the noise floor, in dB; 0 before anybody has spoken. */
  get clearDb(): number {
    return Number.isNaN(this.#peak) ? 0 : this.#peak - this.#floor;
  }

  /** @returns 0 if nobody speaks, else loudness relative to the loudest lately: more than 0, at most 1. */
  step(spectrum: Spectrum): number {
    const { levels, peakiness } = spectrum;
    let loudest = levels[FRAME_ROWS.first];
    let softest = levels[FRAME_ROWS.first];
    for (let row = FRAME_ROWS.first; row <= FRAME_ROWS.last; row++) {
      loudest = Math.max(loudest, levels[row]);
      softest = Math.min(softest, levels[row]);
    }
    this.#followFloor(softest, peakiness);
    this.#noiseFrames = peakiness < NOISE_PEAKS ? this.#noiseFrames + 1 : 0;
    this.#switch(loudest, peakiness);
    if (!this.#isOpen) return 0;

    if (Number.isNaN(this.#peak)) this.#peak = Math.max(loudest + FIRST_HEADROOM, FIRST_PEAK);
    this.#peak += loudest > this.#peak ? (loudest - this.#peak) * PEAK_ATTACK : -PEAK_DECAY;
    this.#peak = Math.max(this.#peak, LOWEST_PEAK, this.#floor + SMALLEST_RANGE + SHUT_BELOW_FLOOR_PLUS);
    const lowest = Math.max(this.#floor + SHUT_BELOW_FLOOR_PLUS, this.#peak - RANGE);
    return Math.min(1, Math.max(0.001, (spectrum.level - lowest) / (this.#peak - lowest)));
  }

  #followFloor(softest: number, peakiness: number): void {
    const level = Math.max(softest, SILENCE);
    const isNoise = peakiness < NOISE_PEAKS;
    if (Number.isNaN(this.#floor) || level < this.#floor) this.#floor = level;
    else this.#floor = Math.min(level, this.#floor + (isNoise ? FLOOR_RISE_IN_NOISE : FLOOR_RISE));
  }

  #switch(loudest: number, peakiness: number): void {
    if (!this.#isOpen) {
      this.#isOpen = loudest > this.#floor + OPEN_ABOVE_FLOOR && peakiness > VOICE_PEAKS;
      this.#quietFrames = 0;
      return;
    }
    const isQuiet = loudest < this.#floor + SHUT_BELOW_FLOOR_PLUS;
    this.#quietFrames = isQuiet ? this.#quietFrames + 1 : 0;
    if (this.#quietFrames > HOLD_FRAMES || this.#noiseFrames >= NOISE_FRAMES) this.#isOpen = false;
  }
}
