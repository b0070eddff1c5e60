/**
 * What the live figures panel shows; `null` where the browser or the server does not say.
 *
 * @typedef {object} Figures
 * @property {number | null} roundTripMs
 * @property {number | null} framesPerSecond
 * @property {number | null} mouthsPerSecond Mouths drawn anew in a second of talking; fewer than 25 where too many talk.
 * @property {number | null} bitsPerSecond Picture and sound received.
 * @property {number | null} offsetMs Picture minus sound at the screen and loudspeaker: positive when the picture is ahead.
 * @property {number | null} delayMs From the voice to the lips on the screen.
 * @property {number | null} packetsLost Of picture and sound received, since the call began.
 * @property {string | null} codec
 * @property {string | null} size In pixels.
 */

/** Readings that the median of the offset is taken from; at two a second, 5 s. */
const OFFSET_READINGS = 10;
/** A finished picture waits half a screen refresh on average. */
const SCREEN_MS = 8;

/** Turns the call's statistics, read again and again, into figures. One per call. */
export class FigureReader {
  /** @type {{ atMs: number, bytes: number, video: Record<string, number> } | null} */
  #last = null;
  /** @type {number[]} */
  #offsets = [];

  /**
   * @param {RTCStatsReport} report
   * @param {import('./signalling.js').ServerFigures} server
   * @param {number | null} captureMs Delay of the microphone, or null without one.
   * @returns {Figures}
   */
  read(report, server, captureMs) {
    /** @type {Record<string, any>} */
    let video = {};
    /** @type {Record<string, any>} */
    let audio = {};
    /** @type {Record<string, any>} */
    let transport = {};
    for (const entry of report.values()) {
      if (entry.type === 'inbound-rtp' && entry.kind === 'video') video = entry;
      if (entry.type === 'inbound-rtp' && entry.kind === 'audio') audio = entry;
      if (entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded') transport = entry;
    }
    const roundTripMs = numberOf(transport.currentRoundTripTime, 1000);
    const bytes = (video.bytesReceived ?? 0) + (audio.bytesReceived ?? 0);
    const last = this.#last;
    this.#last = { atMs: video.timestamp ?? 0, bytes, video };
    const seconds = last ? (this.#last.atMs - last.atMs) / 1000 : 0;

    const bufferMs = last ? perItemMs(video, last.video, 'jitterBufferDelay', 'jitterBufferEmittedCount') : null;
    const decodeMs = last ? perItemMs(video, last.video, 'totalDecodeTime', 'framesDecoded') : null;
    const serverMs = server.delay_ms ?? null;
    const knowsDelay = captureMs !== null && roundTripMs !== null && bufferMs !== null && serverMs !== null;
    return {
      roundTripMs,
      framesPerSecond: numberOf(video.framesPerSecond),
      mouthsPerSecond: server.mouths_per_second ?? null,
      bitsPerSecond: last && seconds > 0 ? ((bytes - last.bytes) * 8) / seconds : null,
      offsetMs: this.#offset(video.estimatedPlayoutTimestamp, audio.estimatedPlayoutTimestamp),
      // The round trip is the way there and the way back.
      delayMs: knowsDelay
        ? captureMs + roundTripMs + (server.jitter_buffer_ms ?? 0) + serverMs + bufferMs + (decodeMs ?? 0) + SCREEN_MS
        : null,
      packetsLost: numberOf(video.packetsLost) === null ? null : (video.packetsLost ?? 0) + (audio.packetsLost ?? 0),
      codec: codecName(report.get(video.codecId)?.mimeType),
      size: video.frameWidth ? `${video.frameWidth} × ${video.frameHeight}` : null,
    };
  }

  /**
   * @param {number | undefined} videoMs
   * @param {number | undefined} audioMs
   */
  #offset(videoMs, audioMs) {
    if (videoMs && audioMs) this.#offsets.push(videoMs - audioMs);
    if (this.#offsets.length > OFFSET_READINGS) this.#offsets.shift();
    const sorted = [...this.#offsets].sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? null;
  }
}

/**
 * Growth of a total of seconds per item counted, in ms; null when nothing was counted.
 *
 * @param {Record<string, any>} now
 * @param {Record<string, any>} before
 * @param {string} total
 * @param {string} count
 */
function perItemMs(now, before, total, count) {
  const items = now[count] - before[count];
  return items > 0 ? ((now[total] - before[total]) * 1000) / items : null;
}

/** @param {unknown} value */
function numberOf(value, scale = 1) {
  return typeof value === 'number' ? value * scale : null;
}

/** @param {string | undefined} mimeType */
function codecName(mimeType) {
  if (!mimeType) return null;
  const name = mimeType.replace(/^video\//, '');
  return name === 'H264' ? 'H.264' : name;
}
