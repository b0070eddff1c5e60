import { CHUNK_MS, MODEL_CHUNK_SAMPLES } from './pcm.ts';

/** Speech opens this far above the noise floor, and stays until it is less than the second number above it. */
const OPEN_ABOVE_FLOOR_DB = 9;
const STAY_ABOVE_FLOOR_DB = 6;
/** Never speech below this level, whatever the floor. */
const QUIETEST_SPEECH_DB = -52;
/** What is louder than this plus {@link OPEN_ABOVE_FLOOR_DB} is always speech: a held vowel is no noise. */
const LOUDEST_FLOOR_DB = -30;
/** Floor until the room is known. */
const FIRST_FLOOR_DB = -62;
/** Below this nobody's microphone is open: says nothing about the room. */
const DIGITAL_SILENCE_DB = -85;
/** Speech dips to the noise within this time, steady noise does not: after it, steady noise no longer counts as speech. */
const FLOOR_WINDOW_MS = 2000;
/** Pauses this short belong to speech (stop consonants, breath between words). */
const HANGOVER_MS = 160;
/** Pole of the high-pass that takes out hum and rumble: -3 dB at about 130 Hz. */
const HIGH_PASS_POLE = 0.95;

/**
 * Tells talking from silence, chunk by chunk, by level alone: the louder 10 ms half of a chunk above 130 Hz against the
 * quietest chunk of the last two seconds. It opens on the very chunk in which speech begins and closes 160 ms after the last
 * one. Other people's voices and keyboard strokes count as speech; fans, hum and hiss do not, after at most two seconds.
 */
export class VoiceActivity {
  /** Levels of the newest {@link FLOOR_WINDOW_MS}; `Infinity` where there was none. */
  readonly #levelsDb = new Float64Array(FLOOR_WINDOW_MS / CHUNK_MS).fill(Number.POSITIVE_INFINITY);
  #next = 0;
  #known = 0;
  #floorDb = FIRST_FLOOR_DB;
  #levelDb = Number.NEGATIVE_INFINITY;
  #hangoverMs = 0;
  #isSpeech = false;
  #lastIn = 0;
  #lastOut = 0;

  /** Level of the newest chunk above 130 Hz, dB of full scale (RMS); `-Infinity` for zeros. */
  get levelDb(): number {
    return this.#levelDb;
  }

  /** Level that counts as the room's noise, dB of full scale. */
  get noiseFloorDb(): number {
    return this.#floorDb;
  }

  /**
   * @param model The next 320 samples at 16 kHz. Borrowed for the call.
   * @returns Whether somebody speaks in them.
   */
  process(model: Float32Array): boolean {
    const half = MODEL_CHUNK_SAMPLES / 2;
    const first = this.#energy(model, 0, half);
    const second = this.#energy(model, half, MODEL_CHUNK_SAMPLES);
    this.#levelDb = 10 * Math.log10(Math.max(first, second) / half);
    // The decision comes before the chunk's own level becomes part of the floor.
    const above = this.#isSpeech ? STAY_ABOVE_FLOOR_DB : OPEN_ABOVE_FLOOR_DB;
    const isLoud = this.#levelDb > Math.max(this.#floorDb + above, QUIETEST_SPEECH_DB);
    this.#hangoverMs = isLoud ? HANGOVER_MS : Math.max(0, this.#hangoverMs - CHUNK_MS);
    this.#isSpeech = isLoud || this.#hangoverMs > 0;
    this.#learnFloor();
    return this.#isSpeech;
  }

  /** Ends speech at once, without the time it is given after its last loud chunk; the room's noise stays known. */
  hush(): void {
    this.#isSpeech = false;
    this.#hangoverMs = 0;
    this.#lastIn = 0;
    this.#lastOut = 0;
  }

  #energy(samples: Float32Array, from: number, to: number): number {
    let lastIn = this.#lastIn;
    let lastOut = this.#lastOut;
    let sum = 0;
    for (let i = from; i < to; i += 1) {
      const sample = samples[i];
      lastOut = sample - lastIn + HIGH_PASS_POLE * lastOut;
      lastIn = sample;
      sum += lastOut * lastOut;
    }
    this.#lastIn = lastIn;
    // A denormal tail would be slow and would keep digital silence from being zero.
    this.#lastOut = Math.abs(lastOut) < 1e-9 ? 0 : lastOut;
    return sum;
  }

  #learnFloor(): void {
    if (this.#levelDb < DIGITAL_SILENCE_DB) return;
    this.#levelsDb[this.#next] = this.#levelDb;
    this.#next = (this.#next + 1) % this.#levelsDb.length;
    this.#known += 1;
    let quietestDb = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#levelsDb.length; i += 1) quietestDb = Math.min(quietestDb, this.#levelsDb[i]);
    // Until the window is full, speech may be all there was: the floor may only be lower than assumed.
    const knownDb = this.#known < this.#levelsDb.length ? Math.min(quietestDb, FIRST_FLOOR_DB) : quietestDb;
    this.#floorDb = Math.min(knownDb, LOUDEST_FLOOR_DB);
  }
}
