import { element } from './element.js';
import { spoken } from './words.js';

/** @typedef {import('./conversation.js').Conversation} Conversation */

/** The faces to choose from, and the samples that the chosen one can speak. */
export class GalleryView {
  #conversation;
  #gallery = element('gallery', HTMLFieldSetElement);
  #faces = element('faces', HTMLElement);
  #clips = element('clips', HTMLElement);
  #chips = element('chips', HTMLElement);
  #drawnFaces = '';
  #drawnClips = '';

  /** @param {Conversation} conversation */
  constructor(conversation) {
    this.#conversation = conversation;
    this.#faces.addEventListener('change', ({ target }) => {
      if (target instanceof HTMLInputElement) conversation.selectAvatar(target.value);
    });
    this.#chips.addEventListener('click', ({ target }) => {
      const chip = target instanceof Element ? target.closest('button') : null;
      if (chip?.dataset.clip) this.#onChip(chip.dataset.clip);
    });
  }

  draw() {
    const { avatars, avatar, avatarId, clip, state } = this.#conversation;
    this.#gallery.hidden = avatars.length === 0;
    const faces = avatars.map(({ id, name, portrait }) => `${id} ${name} ${portrait}`).join('\n');
    if (faces !== this.#drawnFaces) {
      this.#drawnFaces = faces;
      this.#faces.replaceChildren(...avatars.map(face));
    }
    for (const input of this.#faces.querySelectorAll('input')) input.checked = input.value === avatarId;

    const names = avatar?.audio_clips ?? [];
    this.#clips.hidden = names.length === 0 || state.name === 'unsupported';
    if (names.join('\n') !== this.#drawnClips) {
      this.#drawnClips = names.join('\n');
      this.#chips.replaceChildren(...names.map(chip));
    }
    for (const button of this.#chips.querySelectorAll('button')) {
      button.setAttribute('aria-pressed', String(button.dataset.clip === clip));
    }
  }

  #onChip(/** @type {string} */ clip) {
    if (this.#conversation.clip === clip && this.#conversation.state.name === 'live') this.#conversation.interrupt();
    else this.#conversation.playClip(clip);
  }
}

/** @param {import('./signalling.js').AvatarEntry} avatar */
function face({ id, name, portrait }) {
  const label = document.createElement('label');
  label.className = 'face';
  const input = document.createElement('input');
  input.type = 'radio';
  input.name = 'avatar';
  input.value = id;
  input.id = `avatar-${id}`;
  const picture = document.createElement('img');
  picture.src = portrait;
  picture.alt = '';
  picture.width = 128;
  picture.height = 128;
  const text = document.createElement('span');
  text.className = 'face-name';
  text.textContent = name;
  label.append(input, picture, text);
  return label;
}

/** @param {string} clip */
function chip(clip) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'chip';
  button.dataset.clip = clip;
  button.insertAdjacentHTML('afterbegin', '<svg class="icon" aria-hidden="true"><use href="#icon-play"/></svg>');
  button.append(spoken(clip));
  return button;
}
