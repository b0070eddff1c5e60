/** Least time that browsers are asked to hold sound and picture: more than a calm network's jitter. */
const BASE_MS = 50;
/** Most that either is held on purpose. */
const MOST_MS = 150;
/** How often the two are compared. */
const EVERY_MS = 1000;
/** Comparisons behind one correction. */
const COMPARED = 3;
/** Browsers need this many comparisons' time to follow a correction. */
const SETTLING = 3;
/** Offsets below this are left alone. */
const TOLERATED_MS = 6;
/** Share of an offset that one correction takes away. */
const STEP = 0.7;

/**
 * How long sound and picture are to be held so that they come together again.
 *
 * @param {{ audioMs: number, videoMs: number }} held What they are held now.
 * @param {number} soundEarlyMs How far the sound is ahead of its picture; negative if it is behind.
 * @returns {{ audioMs: number, videoMs: number }}
 */
export function corrected({ audioMs, videoMs }, soundEarlyMs) {
  if (Math.abs(soundEarlyMs) < TOLERATED_MS) return { audioMs, videoMs };
  const by = soundEarlyMs * STEP;
  // What is late is hurried as far as it was held back on purpose; the rest is made up by holding the other.
  const audio = audioMs + by;
  if (by > 0) {
    const hurried = Math.min(by, videoMs - BASE_MS);
    return { audioMs: Math.min(MOST_MS, audio - hurried), videoMs: videoMs - hurried };
  }
  const hurried = Math.min(-by, audioMs - BASE_MS);
  return { audioMs: audioMs - hurried, videoMs: Math.min(MOST_MS, videoMs - by - hurried) };
}

/**
 * Keeps lips and voice together at the viewer. Browsers play sound and picture of one stream in step by their RTCP sender
 * reports, but leave offsets of up to 30 ms alone, and grow and shrink the two buffers each by its own measure. This holds
 * both a little longer than a calm network needs, and whichever is early a little longer still (W3C WebRTC Extensions,
 * `jitterBufferTarget`). Where a browser lacks that, nothing is done.
 */
export class LipSync {
  #connection;
  #held = { audioMs: BASE_MS, videoMs: BASE_MS };
  /** @type {number[]} */
  #offsets = [];
  #rest = 0;
  #timer;

  /** @param {RTCPeerConnection} connection Watched until {@link close}. */
  constructor(connection) {
    this.#connection = connection;
    connection.addEventListener('track', () => this.#hold());
    this.#timer = setInterval(() => void this.#compare(), EVERY_MS);
  }

  close() {
    clearInterval(this.#timer);
  }

  #hold() {
    for (const receiver of this.#connection.getReceivers()) {
      if (!('jitterBufferTarget' in receiver)) continue;
      receiver.jitterBufferTarget = Math.round(
        receiver.track.kind === 'audio' ? this.#held.audioMs : this.#held.videoMs,
      );
    }
  }

  async #compare() {
    const soundEarlyMs = await soundEarly(this.#connection);
    if (soundEarlyMs === null) return;
    if (this.#rest > 0) {
      this.#rest -= 1;
      return;
    }
    this.#offsets.push(soundEarlyMs);
    if (this.#offsets.length < COMPARED) return;
    const [, median] = this.#offsets.splice(0).sort((a, b) => a - b);
    const held = corrected(this.#held, median);
    if (held.audioMs === this.#held.audioMs && held.videoMs === this.#held.videoMs) return;
    this.#held = held;
    this.#rest = SETTLING;
    this.#hold();
  }
}

/**
 * How far the sound is ahead of its picture, ms, by the browser's own account; null if it gives none.
 *
 * @param {RTCPeerConnection} connection
 */
async function soundEarly(connection) {
  if (connection.connectionState !== 'connected') return null;
  /** @type {Record<string, number>} */
  const playoutMs = {};
  for (const stat of (await connection.getStats()).values()) {
    if (stat.type === 'inbound-rtp' && stat.estimatedPlayoutTimestamp)
      playoutMs[stat.kind] = stat.estimatedPlayoutTimestamp;
  }
  const offsetMs = playoutMs.audio - playoutMs.video;
  return Number.isFinite(offsetMs) && Math.abs(offsetMs) < 1000 ? offsetMs : null;
}
