import { element } from './element.js';

/** @typedef {import('./conversation.js').Conversation} Conversation */

/** The choice of a microphone; shown once there is something to choose. */
export class MicrophoneView {
  #conversation;
  #section = element('sound', HTMLElement);
  #select = element('microphone', HTMLSelectElement);
  #drawn = '';

  /** @param {Conversation} conversation */
  constructor(conversation) {
    this.#conversation = conversation;
    this.#select.addEventListener('change', () => void conversation.selectMicrophone(this.#select.value));
  }

  draw() {
    const { avatars, microphones, microphoneId } = this.#conversation;
    this.#section.hidden = microphones.length === 0 || avatars.length === 0;
    const drawn = microphones.map(({ id, label }) => `${id} ${label}`).join('\n');
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      this.#select.replaceChildren(...microphones.map(({ id, label }) => new Option(label, id)));
    }
    if (microphones.some(({ id }) => id === microphoneId)) this.#select.value = microphoneId;
  }
}
