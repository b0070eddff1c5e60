import { LogMel, MEL_BINS, MEL_SILENCE } from './log-mel.ts';
import { CHUNK_MS, FRAME_MS, MODEL_CHUNK_SAMPLES, MODEL_SAMPLE_RATE_HZ } from './pcm.ts';

const ROW_MS = 10;
/** Numbers in 10 ms of each kind, and what they are in silence. */
const ROWS = {
  'log-mel': { numbers: MEL_BINS, silence: MEL_SILENCE },
  sound: { numbers: (MODEL_SAMPLE_RATE_HZ * ROW_MS) / 1000, silence: 0 },
  none: { numbers: 0, silence: 0 },
} as const;
/** How long a frame's window stays available after the newest sound. */
const KEPT_MS = 1000;

/** What is wanted around one video frame. The same shape as an engine's `FeatureSpec`. */
export interface WindowSpec {
  readonly kind: keyof typeof ROWS;
  /** Sound wanted before the frame begins, in ms; a multiple of 10. */
  readonly historyMs: number;
  /** Sound wanted after the frame has ended, in ms; a multiple of 20. */
  readonly lookAheadMs: number;
}

/**
 * Turns a session's sound into what an engine wants to know about each video frame. Keeps the newest second beyond one
 * window; older rows are overwritten.
 *
 * The window of frame `i` holds the rows of media time `[40i − historyMs, 40(i+1) + lookAheadMs)` and is ready with the chunk
 * that ends there: nothing is waited for beyond the look-ahead that the engine asked for. The price is a small, constant
 * offset: the middle of a row's 25 ms lies 3.4 ms before the media time that it is named after (2.5 ms by the row's
 * definition in `LogMel`, 0.9 ms by the decimator), 8.4 ms before the middle of its 10 ms. Kind `sound` has the decimator's
 * 0.9 ms alone.
 */
export class FeatureStream {
  readonly #spec: WindowSpec;
  readonly #logMel: LogMel | null;
  readonly #rowsPerWindow: number;
  readonly #capacityRows: number;
  readonly #rows: Float32Array;
  #chunks: number;

  /**
   * @param firstChunk Number of the chunk that is pushed first; before it there was silence.
   * @throws {RangeError} if the spec's times are not such multiples.
   */
  constructor(spec: WindowSpec, firstChunk = 0) {
    requireMultiple('historyMs', spec.historyMs, ROW_MS);
    requireMultiple('lookAheadMs', spec.lookAheadMs, CHUNK_MS);
    this.#spec = spec;
    this.#rowsPerWindow = (spec.historyMs + FRAME_MS + spec.lookAheadMs) / ROW_MS;
    this.#capacityRows = this.#rowsPerWindow + KEPT_MS / ROW_MS;
    this.#logMel = spec.kind === 'log-mel' ? new LogMel() : null;
    this.#rows = new Float32Array(this.#capacityRows * ROWS[spec.kind].numbers).fill(ROWS[spec.kind].silence);
    this.#chunks = firstChunk;
  }

  /**
   * Takes the next 20 ms.
   *
   * @param model 320 samples at 16 kHz. Borrowed for the call.
   * @throws {RangeError} if there are not 320.
   */
  push(model: Float32Array): void {
    if (model.length !== MODEL_CHUNK_SAMPLES) {
      throw new RangeError(`a chunk has ${MODEL_CHUNK_SAMPLES} samples at 16 kHz, got ${model.length}`);
    }
    const { kind } = this.#spec;
    if (kind !== 'none') {
      const rows = this.#logMel?.push(model) ?? model;
      const at = (this.#rowCount % this.#capacityRows) * ROWS[kind].numbers;
      const beforeWrap = Math.min(rows.length, this.#rows.length - at);
      this.#rows.set(rows.subarray(0, beforeWrap), at);
      this.#rows.set(rows.subarray(beforeWrap), 0);
    }
    this.#chunks += 1;
  }

  /** True once all the sound is in that the window of `frame` wants. */
  isReady(frame: number): boolean {
    return this.#endRow(frame) <= this.#rowCount;
  }

  /**
   * @returns A new array; silence before the session began. With `ms = historyMs + 40 + lookAheadMs`: row-major float32
   *   `[ms / 10, 80]` for kind `log-mel`, `16·ms` samples for `sound`, empty for `none`.
   * @throws {RangeError} if the frame is not ready, or so old that its rows are gone.
   */
  window(frame: number): Float32Array {
    if (!this.isReady(frame)) throw new RangeError(`frame ${frame} is not ready: ask isReady first`);
    const { numbers, silence } = ROWS[this.#spec.kind];
    if (numbers === 0) return new Float32Array(0);
    const firstRow = this.#endRow(frame) - this.#rowsPerWindow;
    if (Math.max(0, firstRow) < this.#rowCount - this.#capacityRows) {
      throw new RangeError(`frame ${frame} ended more than ${KEPT_MS} ms before the newest sound; its rows are gone`);
    }
    const out = new Float32Array(this.#rowsPerWindow * numbers);
    const before = Math.max(0, -firstRow);
    out.fill(silence, 0, before * numbers);
    for (let row = firstRow + before; row < firstRow + this.#rowsPerWindow; ) {
      const from = row % this.#capacityRows;
      const rows = Math.min(this.#capacityRows - from, firstRow + this.#rowsPerWindow - row);
      out.set(this.#rows.subarray(from * numbers, (from + rows) * numbers), (row - firstRow) * numbers);
      row += rows;
    }
    return out;
  }

  get #rowCount(): number {
    return (this.#chunks * CHUNK_MS) / ROW_MS;
  }

  #endRow(frame: number): number {
    return ((frame + 1) * FRAME_MS + this.#spec.lookAheadMs) / ROW_MS;
  }
}

function requireMultiple(name: string, valueMs: number, ofMs: number): void {
  if (!(valueMs >= 0 && valueMs % ofMs === 0)) {
    throw new RangeError(`${name} must be 0 or a positive multiple of ${ofMs}, got ${valueMs}`);
  }
}
