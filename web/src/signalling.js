/**
 * The messages of the server's WebSocket `/ws`: one JSON object per text frame.
 *
 * @typedef {{ id: string, name: string, video_path: string, portrait: string, audio_clips: string[] }} AvatarEntry
 * @typedef {{ delay_ms?: number | null, mouths_per_second?: number | null, jitter_buffer_ms?: number | null, clip?: string | null }} ServerFigures
 *
 * @typedef {{ type: 'get_avatars' }
 *   | { type: 'get_config' }
 *   | { type: 'select_avatar', avatar_id: string }
 *   | { type: 'offer', sdp: string }
 *   | { type: 'answer', sdp: string }
 *   | { type: 'ice_candidate', candidate: RTCIceCandidateInit | null }
 *   | { type: 'play_clip', clip: string }
 *   | { type: 'interrupt' }
 *   | { type: 'subscribe_figures' }} ClientMessage
 *
 * @typedef {{ type: 'avatars', avatars: AvatarEntry[] }
 *   | { type: 'avatar_selected', avatar_id: string }
 *   | { type: 'offer', sdp: string }
 *   | { type: 'answer', sdp: string }
 *   | { type: 'ice_candidate', candidate: RTCIceCandidateInit | null }
 *   | { type: 'config', ice_servers?: RTCIceServer[] }
 *   | ({ type: 'figures' } & ServerFigures)
 *   | { type: 'error', message: string, code?: string, retry_after_s?: number }} ServerMessage
 *
 * @typedef {object} SignallingEvents
 * @property {() => void} onOpen A fresh socket: the server knows nothing of earlier ones.
 * @property {(message: ServerMessage) => void} onMessage
 * @property {(attempt: number, retryAtMs: number) => void} onDown The socket is gone and will be tried again at
 *   `retryAtMs` (`Date.now()` ms); `attempt` counts the failures since the server last spoke, from 1.
 */

const FIRST_RETRY_MS = 400;
const LONGEST_RETRY_MS = 10_000;

/** Wait before retry number `attempt` (from 1), in ms: doubling, with a spread so that a crowd does not return at once. */
export function retryDelayMs(/** @type {number} */ attempt, random = Math.random) {
  const delayMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempt - 1));
  return Math.round(delayMs * (0.8 + 0.4 * random()));
}

/** A WebSocket that comes back by itself. One socket is one session on the server. */
export class Signalling {
  #findUrl;
  #events;
  /** Counts the openings: an address that comes for an earlier one is dropped. */
  #opening = 0;
  #attempt = 0;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #probeTimer;

  /**
   * @param {() => Promise<URL>} findUrl Asked before every socket; may wait for the person.
   * @param {SignallingEvents} events
   */
  constructor(findUrl, events) {
    this.#findUrl = findUrl;
    this.#events = events;
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Opens a fresh socket now, dropping the present one (the server frees its session) or the wait for the next retry. */
  open() {
    this.#drop();
    const opening = this.#opening;
    this.#findUrl().then(
      (url) => opening === this.#opening && this.#openAt(url),
      () => opening === this.#opening && this.#fail(),
    );
  }

  #openAt(/** @type {URL} */ url) {
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener('open', () => {
      if (socket === this.#socket) this.#events.onOpen();
    });
    socket.addEventListener('message', (event) => {
      if (socket !== this.#socket) return;
      clearTimeout(this.#probeTimer);
      // A proxy can open a socket and drop it at once: only a word from the server is an answer.
      this.#attempt = 0;
      const message = parse(event.data);
      if (message) this.#events.onMessage(message);
    });
    socket.addEventListener('close', () => {
      if (socket === this.#socket) this.#fail();
    });
  }

  /** @param {ClientMessage} message Dropped while the socket is down: every session starts afresh. */
  send(message) {
    if (this.isOpen) this.#socket?.send(JSON.stringify(message));
  }

  /** Asks for a sign of life; a socket that gives none in `timeoutMs` is taken for dead. For use after a network change. */
  probe(timeoutMs = 3000) {
    if (!this.isOpen) return;
    clearTimeout(this.#probeTimer);
    this.#probeTimer = setTimeout(() => this.#fail(), timeoutMs);
    this.send({ type: 'get_config' });
  }

  close() {
    this.#drop();
  }

  #fail() {
    this.#drop();
    this.#attempt += 1;
    const delayMs = retryDelayMs(this.#attempt);
    this.#retryTimer = setTimeout(() => this.open(), delayMs);
    this.#events.onDown(this.#attempt, Date.now() + delayMs);
  }

  #drop() {
    this.#opening += 1;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#probeTimer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}

/**
 * @param {unknown} data
 * @returns {ServerMessage | null} `null` for what is not a message: an unknown server addition must not break the page.
 */
function parse(data) {
  if (typeof data !== 'string') return null;
  try {
    const message = JSON.parse(data);
    return typeof message?.type === 'string' ? message : null;
  } catch {
    return null;
  }
}
