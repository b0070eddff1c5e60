/**
 * A client of the frame service (`/musetalk/v1/ws/{user_id}`): sends sound, gets H.264 pictures. Runs in browsers and in Node.
 *
 * @typedef {'idle' | 'speaking' | 'action'} VideoState
 *
 * @typedef {object} Picture
 * @property {Uint8Array} data H.264 access unit, Annex B; SPS and PPS come before each key frame.
 * @property {number} timestampMs Media time of the sound that the picture shows, since the video began; 40 ms a picture.
 * @property {number | null} audioMs The same in the sound that was sent, since its first sample; null while none is shown.
 * @property {boolean} isKeyFrame
 * @property {{ index: number, progress: number } | null} action
 *
 * @typedef {object} Welcome What the server says of the session.
 * @property {string[]} available_videos
 * @property {string} default_video
 * @property {number} delay_ms From sound taken in to its picture sent.
 *
 * @typedef {{ code: string, message: string, details?: Record<string, unknown> }} Failure
 *
 * @typedef {object} FrameClientEvents
 * @property {(picture: Picture, sizeBytes: number) => void} [onPicture] `sizeBytes` is that of its message.
 * @property {(failure: Failure) => void} [onError] An ERROR that answers no question, such as too much sound.
 * @property {(code: number, reason: string) => void} [onClosed] Once, whoever closed.
 *
 * @typedef {object} FrameClientOptions
 * @property {string} [authToken]
 * @property {boolean} [isBinary] Sound and pictures without base64.
 * @property {typeof WebSocket} [WebSocket] In place of the platform's own.
 *
 * @typedef {{ type: string, session_id: string, data: Record<string, any> }} Message
 */

export const BINARY_SUBPROTOCOL = 'musetalk.binary.v1';
/** Sound goes as mono, s16le, at this rate. */
export const SOUND_RATE_HZ = 16_000;
/** Samples of 40 ms, the usual piece. */
export const PIECE_SAMPLES = 640;

const HEADER_BYTES = 16;
const STATES = /** @type {const} */ (['idle', 'speaking', 'action']);
/** Questions and the type of their answers; the server answers each of a kind in order. */
const ANSWERS = /** @type {const} */ ({
  INIT: 'INIT_SUCCESS',
  STATE_CHANGE: 'STATE_CHANGED',
  ACTION: 'ACTION_TRIGGERED',
  CLOSE: 'CLOSE_ACK',
});

/** An ERROR of the server. */
export class FrameServiceError extends Error {
  /** @param {Failure} failure */
  constructor({ code, message, details }) {
    super(message);
    this.name = 'FrameServiceError';
    this.code = code;
    this.details = details;
  }
}

/** One session of the frame service. */
export class FrameClient {
  #socket;
  #options;
  #events;
  /** @type {{ question: string, answer: string, resolve: (data: any) => void, reject: (error: Error) => void }[]} */
  #asked = [];
  #sessionId = '';
  /** @type {Welcome | null} */
  #welcome = null;

  /**
   * @param {WebSocket} socket
   * @param {FrameClientOptions} options
   * @param {FrameClientEvents} events
   */
  constructor(socket, options, events) {
    this.#socket = socket;
    this.#options = options;
    this.#events = events;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => this.#take(data));
    socket.addEventListener('close', ({ code, reason }) => this.#onClose(code, reason));
  }

  /**
   * Connects and begins a session; pictures come from then on.
   *
   * @param {string | URL} url `ws(s)://host/musetalk/v1/ws/{user_id}`
   * @param {FrameClientOptions} options
   * @param {FrameClientEvents} events
   * @returns {Promise<FrameClient>} Rejects with a {@link FrameServiceError} if the server refuses.
   */
  static async connect(url, options = {}, events = {}) {
    const Socket = options.WebSocket ?? WebSocket;
    const socket = new Socket(url, options.isBinary ? [BINARY_SUBPROTOCOL] : []);
    const client = new FrameClient(socket, options, events);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve, { once: true });
      socket.addEventListener('close', ({ code }) => reject(new Error(`${url} takes no WebSocket (${code})`)), {
        once: true,
      });
    });
    try {
      await client.#begin(String(url));
    } catch (error) {
      socket.close();
      throw error;
    }
    return client;
  }

  get sessionId() {
    return this.#sessionId;
  }

  /** @returns {Welcome} */
  get welcome() {
    if (!this.#welcome) throw new TypeError('the session has not begun');
    return this.#welcome;
  }

  /** Bytes that wait to be sent. */
  get bufferedBytes() {
    return this.#socket.bufferedAmount;
  }

  /**
   * Sends sound, up to a second of it. Send it in real time: at most 10 s wait at the server.
   *
   * @param {Int16Array} pcm Mono, 16 kHz. Borrowed for the call.
   * @param {{ state: VideoState, baseVideo: string } | null} video The clip under the lips; null for the one before.
   */
  sendSound(pcm, video = null) {
    const bytes = new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    if (this.#options.isBinary) {
      this.#socket.send(soundMessage(bytes, video));
      return;
    }
    const durationMs = (pcm.length * 1000) / SOUND_RATE_HZ;
    const chunk = { format: 'pcm_s16le', sample_rate: SOUND_RATE_HZ, channels: 1, duration_ms: durationMs };
    this.#send('GENERATE', {
      audio_chunk: { ...chunk, data: toBase64(bytes) },
      ...(video ? { video_state: { type: video.state, base_video: video.baseVideo } } : {}),
    });
  }

  /**
   * Shows another clip.
   *
   * @param {VideoState} state
   * @param {string} baseVideo
   * @returns {Promise<{ current_state: VideoState, current_video: string }>}
   */
  changeState(state, baseVideo) {
    return this.#ask('STATE_CHANGE', { target_state: state, base_video: baseVideo });
  }

  /**
   * Has an action played, after what is being said.
   *
   * @param {number} index From 1.
   * @returns {Promise<{ action_index: number, inserted: boolean }>}
   */
  act(index) {
    return this.#ask('ACTION', { action_index: index });
  }

  /** Ends the session. Idempotent; does not fail. */
  async close() {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const closed = new Promise((resolve) => this.#socket.addEventListener('close', resolve, { once: true }));
    await this.#ask('CLOSE', {}).catch(() => {});
    this.#socket.close();
    await closed;
  }

  /** @param {string} url */
  async #begin(url) {
    const { authToken } = this.#options;
    this.#welcome = await this.#ask('INIT', {
      user_id: decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? ''),
      video_config: { resolution: '512x512', fps: 25 },
      ...(authToken === undefined ? {} : { auth_token: authToken }),
    });
  }

  /**
   * @param {keyof typeof ANSWERS} type
   * @param {object} data
   * @returns {Promise<any>}
   */
  #ask(type, data) {
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== this.#socket.OPEN) {
        reject(new Error('the socket is closed'));
        return;
      }
      this.#asked.push({ question: type, answer: ANSWERS[type], resolve, reject });
      this.#send(type, data);
    });
  }

  /**
   * @param {string} type
   * @param {object} data
   */
  #send(type, data) {
    const sessionId = this.#sessionId || crypto.randomUUID();
    this.#socket.send(JSON.stringify({ type, session_id: sessionId, data }));
  }

  /** @param {string | ArrayBuffer} data */
  #take(data) {
    if (typeof data !== 'string') {
      const picture = readPicture(new Uint8Array(data));
      if (picture) this.#events.onPicture?.(picture, data.byteLength);
      return;
    }
    /** @type {Message} */
    const message = JSON.parse(data);
    switch (message.type) {
      case 'VIDEO_FRAME':
      case 'ACTION_FRAME':
        this.#events.onPicture?.(pictureOf(message), data.length);
        return;
      case 'PING':
        return;
      case 'ERROR':
        this.#onError(/** @type {Failure} */ (message.data));
        return;
      default:
        this.#onAnswer(message);
    }
  }

  /** @param {Message} message */
  #onAnswer({ type, session_id, data }) {
    if (type === 'INIT_SUCCESS') this.#sessionId = session_id;
    const at = this.#asked.findIndex(({ answer }) => answer === type);
    if (at >= 0) this.#asked.splice(at, 1)[0].resolve(data);
  }

  /** @param {Failure} failure */
  #onError(failure) {
    const repliesTo = failure.details?.in_reply_to;
    const at = this.#asked.findIndex(({ question }) => question === repliesTo);
    if (at >= 0) this.#asked.splice(at, 1)[0].reject(new FrameServiceError(failure));
    else this.#events.onError?.(failure);
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #onClose(code, reason) {
    for (const { reject } of this.#asked.splice(0))
      reject(new Error(`the server closed the socket: ${code} ${reason}`));
    this.#events.onClosed?.(code, reason);
  }
}

/**
 * Whether an access unit has an IDR picture (ITU-T H.264 §7.4.1.2.4: NAL unit type 5).
 *
 * @param {Uint8Array} data Annex B.
 */
export function isKeyFrame(data) {
  for (let at = 0; at + 3 < data.length; at += 1) {
    if (data[at] === 0 && data[at + 1] === 0 && data[at + 2] === 1) {
      const type = data[at + 3] & 31;
      if (type === 5) return true;
      if (type === 1) return false;
    }
  }
  return false;
}

/**
 * Sound as a binary message.
 *
 * @param {Uint8Array} pcm
 * @param {{ state: VideoState, baseVideo: string } | null} video
 */
export function soundMessage(pcm, video) {
  const name = new TextEncoder().encode(video?.baseVideo ?? '');
  const message = new Uint8Array(3 + name.length + pcm.length);
  message.set([1, video ? STATES.indexOf(video.state) : 255, name.length]);
  message.set(name, 3);
  message.set(pcm, 3 + name.length);
  return message;
}

/**
 * Reads a picture of the binary subprotocol.
 *
 * @param {Uint8Array} message
 * @returns {Picture | null} null for what is none.
 */
export function readPicture(message) {
  if (message.length < HEADER_BYTES || (message[0] !== 2 && message[0] !== 3)) return null;
  const header = new DataView(message.buffer, message.byteOffset, HEADER_BYTES);
  const flags = header.getUint8(1);
  return {
    data: message.subarray(HEADER_BYTES),
    timestampMs: header.getUint32(4, true),
    audioMs: (flags & 2) === 2 ? header.getInt32(8, true) : null,
    isKeyFrame: (flags & 1) === 1,
    action: message[0] === 3 ? { index: header.getUint16(2, true), progress: header.getFloat32(12, true) } : null,
  };
}

/**
 * @param {Message} message
 * @returns {Picture}
 */
function pictureOf({ type, data }) {
  const bytes = fromBase64(data.frame_data);
  return {
    data: bytes,
    timestampMs: data.frame_timestamp,
    audioMs: data.audio_timestamp ?? null,
    isKeyFrame: isKeyFrame(bytes),
    action: type === 'ACTION_FRAME' ? { index: data.action_index, progress: data.action_progress } : null,
  };
}

/** @param {Uint8Array} bytes */
function toBase64(bytes) {
  let text = '';
  // In pieces, because a call takes a limited number of arguments.
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(text);
}

/** @param {string} text */
function fromBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
