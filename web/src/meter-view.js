import { element } from './element.js';
import { Listener } from './listener.js';

/** @typedef {import('./conversation.js').Conversation} Conversation */

const WIDTH = 480;
const MIDDLE = 32;
/** Scale of the opening; the lower lip opens 1.25 of it. */
const OPENING = 24;
/** Silence of an open microphone after which the person is told. */
const SILENT_MS = 7000;
/** How fast the line follows a rise and a fall: share of the way per drawn frame. */
const ATTACK = 0.5;
const RELEASE = 0.14;

/** The level line: closed lips in silence, which open with the voice that is heard. */
export class MeterView {
  #conversation;
  #onSilence;
  #listener = new Listener();
  #path = element('meter-path', SVGPathElement);
  #level = 0;
  #soundMs = 0;
  #isRunning = false;

  /**
   * @param {Conversation} conversation
   * @param {(isSilent: boolean) => void} onSilence Whether the open microphone has been giving nothing for a while.
   */
  constructor(conversation, onSilence) {
    this.#conversation = conversation;
    this.#onSilence = onSilence;
    this.#path.setAttribute('d', lips(0));
  }

  draw() {
    const { microphoneTrack, stream, state } = this.#conversation;
    const track = microphoneTrack ?? stream?.getAudioTracks()[0] ?? null;
    this.#listener.listen(track);
    if (state.name !== 'live') this.#soundMs = performance.now();
    if (track && !this.#isRunning) {
      this.#isRunning = true;
      requestAnimationFrame((nowMs) => this.#tick(nowMs));
    }
  }

  /** @param {number} nowMs */
  #tick(nowMs) {
    const target = this.#listener.level();
    this.#level += (target - this.#level) * (target > this.#level ? ATTACK : RELEASE);
    this.#path.setAttribute('d', lips(this.#level));
    const { microphoneTrack, isMuted } = this.#conversation;
    if (target > 0 || isMuted || !microphoneTrack || !this.#listener.isListening) this.#soundMs = nowMs;
    this.#onSilence(nowMs - this.#soundMs > SILENT_MS);
    this.#isRunning = microphoneTrack !== null || this.#conversation.stream !== null || this.#level > 0.001;
    if (this.#isRunning) requestAnimationFrame((ms) => this.#tick(ms));
  }
}

/** Outline of lips that are `opening` (0..1) open, as an SVG path. */
function lips(/** @type {number} */ opening) {
  const up = (MIDDLE - 1 - opening * OPENING * 0.85).toFixed(1);
  const bow = (MIDDLE - 1 - opening * OPENING * 0.7).toFixed(1);
  const down = (MIDDLE + 1 + opening * OPENING * 1.25).toFixed(1);
  const from = (WIDTH * (0.1 - opening * 0.04)).toFixed(1);
  const to = (WIDTH * (0.9 + opening * 0.04)).toFixed(1);
  return (
    `M0 31 H${from} C${WIDTH * 0.28} 31 ${WIDTH * 0.36} ${up} ${WIDTH * 0.44} ${up} ` +
    `C${WIDTH * 0.47} ${up} ${WIDTH * 0.48} ${bow} ${WIDTH * 0.5} ${bow} ` +
    `C${WIDTH * 0.52} ${bow} ${WIDTH * 0.53} ${up} ${WIDTH * 0.56} ${up} ` +
    `C${WIDTH * 0.64} ${up} ${WIDTH * 0.72} 31 ${to} 31 H${WIDTH} V33 H${to} ` +
    `C${WIDTH * 0.7} 33 ${WIDTH * 0.62} ${down} ${WIDTH * 0.5} ${down} C${WIDTH * 0.38} ${down} ${WIDTH * 0.3} 33 ${from} 33 H0Z`
  );
}
