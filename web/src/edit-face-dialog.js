import { element, setText } from './element.js';

/** Lets a person rename or delete a face that was brought in. */
export class EditFaceDialog {
  #faces;
  #onChanged;
  #dialog = element('edit-dialog', HTMLDialogElement);
  #title = element('edit-title', HTMLElement);
  #form = element('edit-form', HTMLFormElement);
  #name = element('edit-name', HTMLInputElement);
  #problem = element('edit-problem', HTMLElement);
  #delete = element('edit-delete', HTMLButtonElement);
  #id = '';
  /** Whether the next click on Delete means it. */
  #isSure = false;

  /**
   * @param {import('./own-faces.js').OwnFaces} faces
   * @param {() => void} onChanged
   */
  constructor(faces, onChanged) {
    this.#faces = faces;
    this.#onChanged = onChanged;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      const name = this.#name.value.trim();
      if (!name) return this.#complain('A face needs a name.');
      void this.#finish(this.#faces.rename(this.#id, name));
    });
    this.#delete.addEventListener('click', () => {
      if (this.#isSure) void this.#finish(this.#faces.remove(this.#id));
      else this.#ask(true);
    });
    element('edit-close', HTMLElement).addEventListener('click', () => this.#dialog.close());
  }

  /** @param {import('./signalling.js').AvatarEntry} avatar */
  open({ id, name }) {
    this.#id = id;
    this.#name.value = name;
    setText(this.#title, `Change ${name}`);
    this.#complain('');
    this.#ask(false);
    this.#dialog.showModal();
    this.#name.focus();
  }

  #ask(/** @type {boolean} */ isSure) {
    this.#isSure = isSure;
    setText(this.#delete, isSure ? 'Really delete: nothing of it is kept' : 'Delete this face');
  }

  /** @param {Promise<string>} change */
  async #finish(change) {
    const problem = await change;
    if (problem) return this.#complain(problem);
    this.#dialog.close();
    this.#onChanged();
  }

  #complain(/** @type {string} */ problem) {
    setText(this.#problem, problem);
    this.#problem.hidden = problem === '';
    this.#name.setAttribute('aria-invalid', String(problem !== ''));
  }
}
