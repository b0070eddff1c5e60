import { element, setText } from './element.js';
import { OwnFaceDialog } from './own-face-dialog.js';

/**
 * @typedef {import('./conversation.js').Conversation} Conversation
 * @typedef {import('./own-faces.js').OwnFaces} OwnFaces
 */

/** The tile that a face of one's own comes in by, also by dropping a file on the page; and the button that changes such a face. */
export class OwnFaceView {
  #conversation;
  #faces;
  #dialog;
  #add = element('own-face', HTMLButtonElement);
  #edit = element('own-edit', HTMLButtonElement);
  #editText = element('own-edit-text', HTMLElement);

  /**
   * @param {Conversation} conversation
   * @param {OwnFaces} faces
   * @param {(avatar: import('./signalling.js').AvatarEntry) => void} onEdit
   */
  constructor(conversation, faces, onEdit) {
    this.#conversation = conversation;
    this.#faces = faces;
    this.#dialog = new OwnFaceDialog(faces, (id) => {
      conversation.selectAvatar(id);
      conversation.refreshAvatars();
      element('talk', HTMLElement).focus();
    });
    this.#add.addEventListener('click', () => this.#dialog.open());
    this.#edit.addEventListener('click', () => conversation.avatar && onEdit(conversation.avatar));
    faces.addEventListener('change', () => this.draw());
    addEventListener('dragover', (event) => this.#onDrag(event));
    addEventListener('drop', (event) => this.#onDrop(event));
    addEventListener('dragleave', (event) => {
      if (!event.relatedTarget) this.#mark(false);
    });
  }

  draw() {
    const { avatar } = this.#conversation;
    this.#add.hidden = !this.#faces.mayAdd;
    this.#edit.hidden = !avatar || !this.#faces.ids.has(avatar.id);
    setText(this.#editText, `Change ${avatar?.name ?? ''}`);
  }

  /** A file that misses its place would otherwise take the place of the page. */
  #onDrag(/** @type {DragEvent} */ event) {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = this.#faces.mayAdd ? 'copy' : 'none';
    this.#mark(this.#faces.mayAdd);
  }

  #onDrop(/** @type {DragEvent} */ event) {
    this.#mark(false);
    const [file] = event.dataTransfer?.files ?? [];
    if (!file) return;
    event.preventDefault();
    if (this.#faces.mayAdd) this.#dialog.take(file);
  }

  #mark(/** @type {boolean} */ isDropping) {
    document.documentElement.classList.toggle('is-dropping', isDropping);
  }
}
