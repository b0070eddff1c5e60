import { element, setText } from './element.js';
import { isEngaged } from './state.js';
import { wordsFor } from './words.js';

/** @typedef {import('./conversation.js').Conversation} Conversation */

/** States in which pressing the primary button could not lead anywhere. */
const CANNOT_TALK = new Set(['loading', 'insecure', 'unsupported']);

/** Name, status, buttons and page title. */
export class ConversationView {
  #conversation;
  #name = element('name', HTMLElement);
  #text = element('status-text', HTMLElement);
  #help = element('status-help', HTMLElement);
  #countdown = element('countdown', HTMLElement);
  #progress = element('progress', HTMLProgressElement);
  #talk = element('talk', HTMLButtonElement);
  #toolbar = element('toolbar', HTMLElement);
  #mute = element('mute', HTMLButtonElement);
  #hear = element('hear', HTMLButtonElement);
  #interrupt = element('interrupt', HTMLButtonElement);
  #stop = element('stop', HTMLButtonElement);
  #hint = element('hint', HTMLElement);
  /** What is wrong with the sound that should come in; '' if nothing. */
  #silence = '';

  /** @param {Conversation} conversation */
  constructor(conversation) {
    this.#conversation = conversation;
    this.#talk.addEventListener('click', () => this.#onPrimary());
    this.#stop.addEventListener('click', () => conversation.stop());
    this.#mute.addEventListener('click', () => conversation.setMuted(!conversation.isMuted));
    this.#hear.addEventListener('click', () => conversation.setHearing(!conversation.isHearing));
    this.#interrupt.addEventListener('click', () => conversation.interrupt());
  }

  /** @param {string} problem Shown as a hint; '' if the sound is fine. */
  setSilence(problem) {
    if (problem === this.#silence) return;
    this.#silence = problem;
    this.draw();
  }

  draw() {
    const { state, avatar, microphoneTrack, isMuted, isHearing, clip } = this.#conversation;
    const name = avatar?.name ?? '';
    const hasMicrophone = microphoneTrack !== null;
    const words = wordsFor(state, { name, hasMicrophone, isMuted, clip, nowMs: Date.now() });

    document.documentElement.dataset.state = state.name;
    document.title = words.title ? `${words.title} · musecast` : 'musecast';
    setText(this.#name, name || '\u00a0');
    setText(this.#text, words.text);
    show(this.#help, words.help !== undefined);
    setText(this.#help, words.help ?? '');
    show(this.#countdown, words.countdown !== undefined);
    setText(this.#countdown, words.countdown ?? '');
    const progress = state.name === 'loading' ? state.progress : null;
    show(this.#progress, progress !== null);
    if (progress !== null) this.#progress.value = progress;

    setText(this.#talk, words.action);
    this.#talk.disabled = CANNOT_TALK.has(state.name);
    this.#talk.classList.toggle('is-ending', this.#endsSomething());

    const live = state.name === 'live';
    show(this.#toolbar, live);
    show(this.#mute, hasMicrophone);
    this.#mute.setAttribute('aria-pressed', String(isMuted));
    setIcon('mute-icon', isMuted ? 'icon-mic-off' : 'icon-mic');
    setText(element('mute-text', HTMLElement), isMuted ? 'Muted' : 'Mute');
    this.#hear.setAttribute('aria-checked', String(isHearing));
    setIcon('hear-icon', isHearing ? 'icon-sound' : 'icon-sound-off');
    setText(element('hear-text', HTMLElement), `Hear ${name}`);
    show(this.#interrupt, clip !== null);
    show(this.#stop, !hasMicrophone);
    this.#drawHint(live, name);
  }

  /**
   * @param {boolean} live
   * @param {string} name
   */
  #drawHint(live, name) {
    const { notice, drawsNoise, microphoneTrack, isHearing, clip } = this.#conversation;
    let hint = notice;
    if (!hint && drawsNoise) hint = 'The mouth is noise: the server’s models have random weights, to try it with.';
    if (!hint && live && isHearing && microphoneTrack) {
      hint = `Use headphones, or the microphone will hear ${name} too.`;
    }
    if (!hint && live && !isHearing && clip) hint = `Switch on “Hear ${name}” to listen.`;
    if (!hint && live) hint = this.#silence;
    setText(this.#hint, hint);
    show(this.#hint, hint !== '');
  }

  #onPrimary() {
    if (this.#conversation.state.name === 'gone') this.#conversation.retryNow();
    else if (this.#endsSomething()) this.#conversation.stop();
    else void this.#conversation.talk();
  }

  /** Whether the primary button ends or gives up something, or else begins. */
  #endsSomething() {
    const { state, microphoneTrack } = this.#conversation;
    if (state.name === 'live') return microphoneTrack !== null;
    return state.name !== 'gone' && (state.name === 'asking' || isEngaged(state));
  }
}

function show(/** @type {HTMLElement} */ target, /** @type {boolean} */ isShown) {
  if (target.hidden === isShown) target.hidden = !isShown;
}

function setIcon(/** @type {string} */ id, /** @type {string} */ symbol) {
  element(id, SVGUseElement).setAttribute('href', `#${symbol}`);
}
