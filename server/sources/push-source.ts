import { CHUNK_MS, CHUNK_SAMPLES, MODEL_CHUNK_SAMPLES, MODEL_SAMPLE_RATE_HZ } from '../audio/pcm.ts';
import { Interpolator } from '../audio/resampler.ts';
import { Splicer } from '../audio/splicer.ts';
import type { Source, SourceRead } from './source.ts';

export interface PushSourceOptions {
  /** Most sound that may wait, in ms. Default 10 000. */
  readonly capacityMs?: number;
  /** After a pause, sound waits this long for more, so that small delays of the sender do not tear it. Default 5 ms. */
  readonly headStartMs?: number;
}

/** With this much waiting there is no need for a head start. */
const PLENTY_SAMPLES = 3 * MODEL_CHUNK_SAMPLES;
/** A piece shorter than a chunk is played when nothing has followed it for this long. */
const LAST_PIECE_MS = 2 * CHUNK_MS;
/** Sound that finds more than this waiting was sent ahead of time: how long it waits says nothing about us. */
const AHEAD_SAMPLES = (MODEL_SAMPLE_RATE_HZ * 200) / 1000;
/** Arrivals closer than this are remembered as one. */
const SAME_ARRIVAL_MS = 5;
/** Chunks of which is remembered what was played in them: more than are ever on a session's line. */
const REMEMBERED_CHUNKS = 128;
/** A sender that paused for longer, and all of whose sound was played, begins a new count of how far ahead of time it is. */
const NEW_STRETCH_MS = 500;
/**
 * How much later than its sender's pace asks for sound may be played, if there are pauses to leave out: a little, and as much
 * as its pieces were late themselves of late, up to a limit.
 */
const LAG_MS = 25;
const LONGEST_LAG_MS = 100;
/** A piece that was late is forgotten by so many ms in a second. */
const FORGOTTEN_MS_PER_S = 5;
/** Peak below which sound counts as a pause (-48 dB of full scale). */
const QUIET_PEAK = 130;
const FIRST_RING_SAMPLES = (MODEL_SAMPLE_RATE_HZ * 250) / 1000;
const SILENCE: SourceRead = { kind: 'silence', arrivedMs: Number.NaN };

/**
 * Sound that a client sends piece by piece, at its own pace. Waiting sound: at most `capacityMs`, then {@link push} refuses;
 * emptied by {@link read}. Faster than real time it waits, slower than real time there is silence in between. What was held up
 * on its way, by a slow network or a busy machine, is caught up by leaving out pauses; nothing else is left out.
 */
export class PushSource implements Source {
  readonly #nowMs: () => number;
  readonly #capacity: number;
  readonly #headStartMs: number;
  readonly #splicer = new Splicer();
  readonly #played: { startSample: number; position: number | null }[] = [];
  #interpolator = new Interpolator();
  /** Circular; grows up to the capacity when it is needed. */
  #ring = new Int16Array(FIRST_RING_SAMPLES);
  /** Samples pushed and read since the beginning. */
  #pushed = 0;
  #read = 0;
  /** When the waiting sound came, oldest first, each with the count of samples at its end. */
  #arrivals: { end: number; arrivedMs: number }[] = [];
  #lastArrivalMs = Number.NEGATIVE_INFINITY;
  /** How late the latest pieces came, measured by the first of the stretch, ms. */
  #latenessMs = 0;
  /** Where, and when, the sender began to send without a pause. */
  #stretch = { start: 0, startMs: 0 };
  #state: 'waiting' | 'playing' | 'closed' = 'waiting';

  /** @param nowMs Monotonic time. */
  constructor(nowMs: () => number, { capacityMs = 10_000, headStartMs = 5 }: PushSourceOptions = {}) {
    this.#nowMs = nowMs;
    this.#capacity = (MODEL_SAMPLE_RATE_HZ * capacityMs) / 1000;
    this.#headStartMs = headStartMs;
  }

  /**
   * Adds sound, to be played after what waits.
   * @param pcm Mono at 16 kHz, signed 16 bit. Borrowed for the call.
   * @returns False if there is no room for all of it: then none is taken.
   */
  push(pcm: Int16Array): boolean {
    if (this.#state === 'closed' || pcm.length === 0) return true;
    if (this.#waiting + pcm.length > this.#capacity) return false;
    this.#noteArrival(pcm.length);
    this.#makeRoom(pcm.length);
    const at = this.#pushed % this.#ring.length;
    const first = pcm.subarray(0, this.#ring.length - at);
    this.#ring.set(first, at);
    this.#ring.set(pcm.subarray(first.length), 0);
    this.#pushed += pcm.length;
    return true;
  }

  read(out: Float32Array, startSample: number): SourceRead {
    if (this.#state === 'closed') {
      out.fill(0);
      return { kind: 'end', arrivedMs: Number.NaN };
    }
    this.#catchUp();
    if (this.#state === 'waiting' && this.#mayBegin) this.#state = 'playing';
    const count = Math.min(MODEL_CHUNK_SAMPLES, this.#waiting);
    const isWhole = count === MODEL_CHUNK_SAMPLES || (count > 0 && this.#isLastPiece);
    if (this.#state === 'waiting' || !isWhole) {
      this.#fallSilent(out, startSample);
      return SILENCE;
    }
    return this.#play(out, startSample, count);
  }

  get bufferedMs(): number {
    return (this.#waiting * 1000) / MODEL_SAMPLE_RATE_HZ;
  }

  /**
   * Where in the pushed sound the chunk stands that was read for that media time, ms since its first sample; null if it was
   * silence, or too long ago.
   */
  positionMs(startSample: number): number | null {
    const played = this.#played[(startSample / CHUNK_SAMPLES) % REMEMBERED_CHUNKS];
    if (played?.startSample !== startSample || played.position === null) return null;
    return (played.position * 1000) / MODEL_SAMPLE_RATE_HZ;
  }

  clear(): void {
    this.#read = this.#pushed;
    this.#arrivals = [];
    this.#state = this.#state === 'closed' ? 'closed' : 'waiting';
  }

  close(): void {
    this.clear();
    this.#state = 'closed';
    this.#ring = new Int16Array(0);
  }

  get #waiting(): number {
    return this.#pushed - this.#read;
  }

  get #mayBegin(): boolean {
    if (this.#waiting < MODEL_CHUNK_SAMPLES) return this.#isLastPiece;
    const waitedMs = this.#nowMs() - (this.#arrivals[0]?.arrivedMs ?? 0);
    return waitedMs >= this.#headStartMs || this.#waiting >= PLENTY_SAMPLES;
  }

  get #isLastPiece(): boolean {
    return this.#waiting > 0 && this.#nowMs() - this.#lastArrivalMs >= LAST_PIECE_MS;
  }

  /** How much later sound is played than its sender's pace asks for, ms. What was sent ahead of time is not late. */
  get #lagMs(): number {
    const playedMs = ((this.#read - this.#stretch.start) * 1000) / MODEL_SAMPLE_RATE_HZ;
    return Math.min(this.bufferedMs, this.#nowMs() - this.#stretch.startMs - playedMs);
  }

  /** Leaves out pauses while sound is late. */
  #catchUp(): void {
    const longestMs = Math.min(LAG_MS + this.#latenessMs, LONGEST_LAG_MS);
    while (this.#waiting >= 2 * MODEL_CHUNK_SAMPLES && this.#lagMs > longestMs && this.#isNextQuiet) {
      this.#skip(MODEL_CHUNK_SAMPLES);
      this.#splicer.cut();
    }
  }

  get #isNextQuiet(): boolean {
    for (let i = 0; i < MODEL_CHUNK_SAMPLES; i += 1) {
      if (Math.abs(this.#ring[(this.#read + i) % this.#ring.length]) > QUIET_PEAK) return false;
    }
    return true;
  }

  #skip(samples: number): void {
    this.#read += samples;
    while (this.#arrivals.length > 0 && this.#arrivals[0].end <= this.#read) this.#arrivals.shift();
  }

  #noteArrival(samples: number): void {
    const nowMs = this.#nowMs();
    if (this.#waiting === 0 && nowMs - this.#lastArrivalMs > NEW_STRETCH_MS) {
      this.#stretch = { start: this.#pushed, startMs: nowMs };
      this.#latenessMs = 0;
    }
    const sentMs = ((this.#pushed - this.#stretch.start) * 1000) / MODEL_SAMPLE_RATE_HZ;
    const forgottenMs = ((nowMs - this.#lastArrivalMs) * FORGOTTEN_MS_PER_S) / 1000;
    this.#latenessMs = Math.max(nowMs - this.#stretch.startMs - sentMs, this.#latenessMs - forgottenMs, 0);
    this.#lastArrivalMs = nowMs;
    const end = this.#pushed + samples;
    const last = this.#arrivals.at(-1);
    if (last && nowMs - last.arrivedMs < SAME_ARRIVAL_MS) last.end = end;
    else this.#arrivals.push({ end, arrivedMs: nowMs });
  }

  #makeRoom(samples: number): void {
    const needed = this.#waiting + samples;
    if (needed <= this.#ring.length) return;
    const longer = new Int16Array(Math.min(this.#capacity, Math.max(needed, 2 * this.#ring.length)));
    for (let at = this.#read; at < this.#pushed; at += 1)
      longer[at % longer.length] = this.#ring[at % this.#ring.length];
    this.#ring = longer;
  }

  #play(out: Float32Array, startSample: number, count: number): SourceRead {
    const piece = new Float32Array(MODEL_CHUNK_SAMPLES);
    let isSilent = true;
    for (let i = 0; i < count; i += 1) {
      const sample = this.#ring[(this.#read + i) % this.#ring.length];
      piece[i] = sample / 32_768;
      if (sample !== 0) isSilent = false;
    }
    const isAhead = this.#waiting > AHEAD_SAMPLES;
    const arrivedMs = this.#arrivals[0]?.arrivedMs ?? Number.NaN;
    this.#remember(startSample, this.#read);
    this.#skip(count);
    out.set(this.#splicer.join(this.#interpolator.process(piece)));
    return isSilent ? SILENCE : { kind: 'sound', arrivedMs: isAhead ? Number.NaN : arrivedMs };
  }

  #fallSilent(out: Float32Array, startSample: number): void {
    if (this.#state === 'playing') this.#interpolator = new Interpolator();
    this.#state = 'waiting';
    this.#remember(startSample, null);
    out.set(this.#splicer.fill(out.length));
  }

  #remember(startSample: number, position: number | null): void {
    this.#played[(startSample / CHUNK_SAMPLES) % REMEMBERED_CHUNKS] = { startSample, position };
  }
}
