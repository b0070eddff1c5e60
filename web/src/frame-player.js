/**
 * Plays the pictures of the frame service with WebCodecs, each at its time.
 *
 * @typedef {import('./frame-client.js').Picture} Picture
 *
 * @typedef {object} PlayerEvents
 * @property {() => void} [onFirst] The first picture is there.
 * @property {(message: string) => void} [onProblem] Decoding failed; it goes on with the next key frame.
 */

/** Pictures are shown this long after the earliest that they could be, so that an uneven network does not show. */
const BUFFER_MS = 60;
/** A picture that comes later than its time moves the time of all later ones, but not by more than this at once. */
const LONGEST_SHIFT_MS = 500;
/** Decoded pictures that wait for their time; beyond that the oldest go. */
const MOST_WAITING = 25;
/** Pictures that may wait to be decoded; a machine that is too slow leaves out what comes beyond, up to a key frame. */
const MOST_UNDECODED = 25;

/** When pictures are to be shown: as evenly as they were made, as early as they come. */
export class PlayClock {
  /** Time of media time 0, `performance.now()` ms. */
  #originMs = Number.NaN;

  /**
   * Takes a picture's arrival into account.
   *
   * @param {number} timestampMs
   * @param {number} arrivedMs
   */
  note(timestampMs, arrivedMs) {
    const earliestMs = arrivedMs - timestampMs;
    if (Number.isNaN(this.#originMs)) this.#originMs = earliestMs + BUFFER_MS;
    const lateMs = earliestMs - this.#originMs;
    if (lateMs > 0) this.#originMs += Math.min(lateMs + BUFFER_MS / 2, LONGEST_SHIFT_MS);
  }

  /** When a picture is to be shown, `performance.now()` ms. */
  dueMs(/** @type {number} */ timestampMs) {
    return this.#originMs + timestampMs;
  }
}

/**
 * The codec string of a stream (RFC 6381 §3.3), from the sequence parameter set of a key frame.
 *
 * @param {Uint8Array} data Annex B.
 * @returns {string | null} null if there is none.
 */
export function codecOf(data) {
  for (let at = 0; at + 6 < data.length; at += 1) {
    const isStart = data[at] === 0 && data[at + 1] === 0 && data[at + 2] === 1;
    if (!isStart || ((data[at + 3] ?? 0) & 31) !== 7) continue;
    const profile = [data[at + 4], data[at + 5], data[at + 6]];
    return `avc1.${profile.map((byte) => (byte ?? 0).toString(16).padStart(2, '0')).join('')}`;
  }
  return null;
}

export class FramePlayer {
  #canvas;
  #context;
  #events;
  #clock = new PlayClock();
  /** @type {VideoDecoder | null} */
  #decoder = null;
  /** In the order of their time. @type {VideoFrame[]} */
  #waiting = [];
  #frameRequest = 0;
  #hasShown = false;
  decoded = 0;
  shown = 0;
  /** Pictures that were decoded and came too late, or too many at once, to be shown. */
  skipped = 0;
  failures = 0;
  /** Times that decoding did not keep up. */
  leftOut = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {PlayerEvents} events
   */
  constructor(canvas, events = {}) {
    this.#canvas = canvas;
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) throw new Error('The browser gave no 2d canvas.');
    this.#context = context;
    this.#events = events;
    this.#frameRequest = requestAnimationFrame(() => this.#draw());
  }

  /** Takes a picture as it came. */
  take(/** @type {Picture} */ picture) {
    this.#clock.note(picture.timestampMs, performance.now());
    if (this.#isBehind(picture)) return;
    if (picture.isKeyFrame) this.#open(picture.data);
    if (this.#decoder?.state !== 'configured') return;
    this.#decoder.decode(
      new EncodedVideoChunk({
        type: picture.isKeyFrame ? 'key' : 'delta',
        timestamp: picture.timestampMs * 1000,
        data: picture.data,
      }),
    );
  }

  /** When a picture is shown, `performance.now()` ms. */
  dueMs(/** @type {number} */ timestampMs) {
    return this.#clock.dueMs(timestampMs);
  }

  /** Idempotent. */
  close() {
    cancelAnimationFrame(this.#frameRequest);
    if (this.#decoder && this.#decoder.state !== 'closed') this.#decoder.close();
    this.#decoder = null;
    for (const frame of this.#waiting.splice(0)) frame.close();
  }

  /** Whether a picture is left out because too many wait to be decoded. A key frame takes their place. */
  #isBehind(/** @type {Picture} */ { isKeyFrame }) {
    if ((this.#decoder?.decodeQueueSize ?? 0) < MOST_UNDECODED) return false;
    this.leftOut += 1;
    // Without a decoder, all pictures up to the next key frame are passed over.
    this.#decoder?.close();
    this.#decoder = null;
    return !isKeyFrame;
  }

  /** @param {Uint8Array} data A key frame. */
  #open(data) {
    if (this.#decoder?.state === 'configured') return;
    const codec = codecOf(data);
    if (!codec) return;
    this.#decoder = new VideoDecoder({
      output: (frame) => this.#keep(frame),
      error: (error) => {
        this.failures += 1;
        this.#decoder = null;
        this.#events.onProblem?.(error.message);
      },
    });
    this.#decoder.configure({ codec, optimizeForLatency: true });
  }

  #keep(/** @type {VideoFrame} */ frame) {
    this.decoded += 1;
    this.#waiting.push(frame);
    if (this.#waiting.length > MOST_WAITING) {
      this.#waiting.shift()?.close();
      this.skipped += 1;
    }
  }

  #draw() {
    this.#frameRequest = requestAnimationFrame(() => this.#draw());
    const nowMs = performance.now();
    let due = null;
    for (
      let next = this.#waiting[0];
      next && this.#clock.dueMs(next.timestamp / 1000) <= nowMs;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      if (due) {
        due.close();
        this.skipped += 1;
      }
      due = next;
    }
    if (!due) return;
    if (this.#canvas.width !== due.displayWidth) {
      this.#canvas.width = due.displayWidth;
      this.#canvas.height = due.displayHeight;
    }
    this.#context.drawImage(due, 0, 0);
    due.close();
    this.shown += 1;
    if (this.#hasShown) return;
    this.#hasShown = true;
    this.#events.onFirst?.();
  }
}
