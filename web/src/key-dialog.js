import { element, setText } from './element.js';

/** Asks the person for the key of a server that wants one. */
export class KeyDialog {
  #dialog = element('key-dialog', HTMLDialogElement);
  #form = element('key-form', HTMLFormElement);
  #input = element('key', HTMLInputElement);
  #problem = element('key-problem', HTMLElement);

  /**
   * @param {string} problem What was wrong with the last key; '' if there was none.
   * @returns {Promise<string>} What the person gave. Pending until then: without a key there is nothing to see here.
   */
  ask(problem) {
    setText(this.#problem, problem);
    this.#problem.hidden = problem === '';
    this.#input.value = '';
    this.#input.setAttribute('aria-invalid', String(problem !== ''));
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#input.focus();
    return new Promise((resolve) => {
      const answered = new AbortController();
      const { signal } = answered;
      this.#form.addEventListener(
        'submit',
        (event) => {
          event.preventDefault();
          const key = this.#input.value.trim();
          if (key === '') return;
          this.#input.value = '';
          answered.abort();
          this.#dialog.close();
          resolve(key);
        },
        { signal },
      );
      // Escape would leave a page that can do nothing; browsers let the second one through.
      this.#dialog.addEventListener('close', () => this.#dialog.showModal(), { signal });
    });
  }
}
