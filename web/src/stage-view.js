import { backdropOf } from './backdrop.js';
import { element, setText } from './element.js';

/** @typedef {import('./conversation.js').Conversation} Conversation */

/** The face: its portrait until the live picture is there, on a backdrop in the portrait's own colours. */
export class StageView {
  #conversation;
  #frame = element('frame', HTMLElement);
  #backdrop = element('backdrop', HTMLElement);
  #portrait = element('portrait', HTMLImageElement);
  #video = element('video', HTMLVideoElement);
  #badge = element('badge', HTMLElement);
  #badgeText = element('badge-text', HTMLElement);
  /** @type {MediaStream | null} */
  #stream = null;

  /** @param {Conversation} conversation */
  constructor(conversation) {
    this.#conversation = conversation;
    this.#portrait.addEventListener('load', () => this.#onPortrait());
    this.#portrait.addEventListener('error', () => {
      this.#portrait.hidden = true;
    });
  }

  draw() {
    const { avatar, stream, state, isHearing } = this.#conversation;
    const source = avatar?.portrait ?? '';
    if (source && this.#portrait.getAttribute('src') !== source) this.#portrait.src = source;
    if (avatar) this.#video.setAttribute('aria-label', `${avatar.name}, live`);
    if (stream !== this.#stream) this.#showStream(stream);
    this.#hear(isHearing);
    const isLive = state.name === 'live';
    this.#badge.hidden = !isLive && state.name !== 'reconnecting';
    setText(this.#badgeText, isLive ? 'Live' : 'Reconnecting');
  }

  /** @param {MediaStream | null} stream */
  #showStream(stream) {
    this.#stream = stream;
    this.#frame.classList.remove('has-picture');
    this.#video.srcObject = stream;
    if (!stream) return;
    this.#play();
    // The portrait stays until there is a picture to take its place.
    this.#video.requestVideoFrameCallback(() => {
      if (stream === this.#stream) this.#frame.classList.add('has-picture');
    });
  }

  #hear(/** @type {boolean} */ isHearing) {
    if (this.#video.muted === !isHearing) return;
    this.#video.muted = !isHearing;
    if (this.#stream) this.#play();
  }

  #play() {
    this.#video.play().catch((error) => {
      // A page that was not clicked may not make a sound: the picture goes on without.
      if (error.name === 'NotAllowedError' && !this.#video.muted) this.#conversation.setHearing(false);
    });
  }

  #onPortrait() {
    this.#portrait.hidden = false;
    const colours = backdropOf(this.#portrait);
    this.#backdrop.style.setProperty('--backdrop-left', colours.left);
    this.#backdrop.style.setProperty('--backdrop-top', colours.top);
    this.#backdrop.style.setProperty('--backdrop-right', colours.right);
  }
}
