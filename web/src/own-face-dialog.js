import { Camera, cameraProblem } from './camera.js';
import { element, setText } from './element.js';
import {
  CAMERA,
  CHOOSE,
  DETAILS,
  findingsToTell,
  nameFromFile,
  progressShare,
  progressWords,
} from './own-face-words.js';

/**
 * @typedef {import('./own-faces.js').OwnFaces} OwnFaces
 * @typedef {import('./own-faces.js').Job} Job
 * @typedef {'choose' | 'camera' | 'details' | 'progress' | 'result'} Step
 */

/** Leads a person from a picture to an avatar: choose, look at it, promise, wait, use. */
export class OwnFaceDialog {
  #faces;
  #onUse;
  #dialog = element('own-dialog', HTMLDialogElement);
  #title = element('own-title', HTMLElement);
  #text = element('own-text', HTMLElement);
  #file = element('own-file', HTMLInputElement);
  #shoot = element('own-shoot', HTMLButtonElement);
  #form = element('own-form', HTMLFormElement);
  #name = element('own-name', HTMLInputElement);
  #consent = element('own-consent', HTMLInputElement);
  #by = element('own-by', HTMLInputElement);
  #problem = element('own-problem', HTMLElement);
  #progress = element('own-progress', HTMLProgressElement);
  #portrait = element('own-portrait', HTMLImageElement);
  #findings = element('own-findings', HTMLElement);
  #use = element('own-use', HTMLButtonElement);
  #camera = new Camera(element('own-viewfinder', HTMLVideoElement));
  /** @type {Step} */
  #step = 'choose';
  /** What was chosen. @type {File | null} */
  #chosen = null;
  /** Address of the chosen picture for this page. */
  #preview = '';

  /**
   * @param {OwnFaces} faces
   * @param {(id: string) => void} onUse Called with the avatar that the person wants to speak through.
   */
  constructor(faces, onUse) {
    this.#faces = faces;
    this.#onUse = onUse;
    faces.addEventListener('change', () => this.#draw());
    this.#file.addEventListener('change', () => {
      const [file] = this.#file.files ?? [];
      this.#file.value = '';
      if (file) this.take(file);
    });
    element('own-camera', HTMLElement).addEventListener('click', () => void this.#openCamera());
    this.#shoot.addEventListener('click', async () => this.take(await this.#camera.shoot()));
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#use.addEventListener('click', () => this.#accept());
    this.#dialog.addEventListener('click', ({ target }) => {
      const action = target instanceof Element ? target.closest('[data-do]')?.getAttribute('data-do') : null;
      if (action === 'again' || action === 'discard-again') void this.#again();
      if (action === 'discard') this.#dialog.close();
    });
    element('own-close', HTMLElement).addEventListener('click', () => this.#dialog.close());
    // By the button, Escape or Cancel: what was not accepted is not kept.
    this.#dialog.addEventListener('close', () => this.#onClose());
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** Lets the person choose. */
  open() {
    if (this.#dialog.open) return;
    this.#show('choose');
    this.#dialog.showModal();
    this.#title.focus();
  }

  /** Goes on with a picture that was chosen, dropped or taken. */
  take(/** @type {File} */ file) {
    if (this.#step === 'progress' || (this.#dialog.open && this.#step === 'result')) return;
    if (!this.#dialog.open) this.open();
    if (file.size > this.#faces.maxBytes) {
      const megabytes = (/** @type {number} */ bytes) => Math.ceil(bytes / 1e6);
      return this.#show(
        'choose',
        `${file.name} has ${megabytes(file.size)} MB; at most ${megabytes(this.#faces.maxBytes)} MB may be sent. Choose a shorter video.`,
      );
    }
    this.#forget();
    this.#chosen = file;
    this.#preview = URL.createObjectURL(file);
    this.#name.value = nameFromFile(file.name);
    this.#consent.checked = false;
    this.#complain('');
    for (const id of ['own-preview', 'own-waiting-picture']) {
      element(id, HTMLElement).replaceChildren(this.#picture(file));
    }
    this.#show('details');
    this.#name.focus();
  }

  /** The chosen file as it is. @param {File} file */
  #picture({ type, name }) {
    const isVideo = type.startsWith('video/');
    const picture = document.createElement(isVideo ? 'video' : 'img');
    if (picture instanceof HTMLVideoElement)
      Object.assign(picture, { muted: true, loop: true, autoplay: true, playsInline: true });
    if (picture instanceof HTMLImageElement) picture.alt = name;
    else picture.setAttribute('aria-label', name);
    picture.addEventListener('error', () => {
      picture.hidden = true;
      if (this.#step === 'details')
        setText(this.#text, `This browser cannot show ${name}; the server may know it. ${DETAILS}`);
    });
    picture.src = this.#preview;
    return picture;
  }

  async #openCamera() {
    this.#show('camera');
    this.#shoot.disabled = true;
    try {
      if (!(await this.#camera.open())) return;
      this.#shoot.disabled = false;
      this.#shoot.focus();
    } catch (error) {
      if (this.#step === 'camera') this.#show('choose', cameraProblem(error));
    }
  }

  #submit() {
    const [name, by] = [this.#name.value.trim(), this.#by.value.trim()];
    if (!name) return this.#complain('Give the face a name.', this.#name);
    if (!this.#consent.checked)
      return this.#complain('Nobody is made to speak without having agreed. Tick the box if it is so.', this.#consent);
    if (!by) return this.#complain('Say who you are: the promise needs somebody who gives it.', this.#by);
    if (!this.#chosen) return;
    this.#complain('');
    this.#show('progress');
    void this.#faces.send({ file: this.#chosen, name, consent: by });
  }

  /**
   * @param {string} problem '' if there is none.
   * @param {HTMLElement} [where]
   */
  #complain(problem, where) {
    setText(this.#problem, problem);
    this.#problem.hidden = problem === '';
    for (const input of [this.#name, this.#consent, this.#by])
      input.setAttribute('aria-invalid', String(input === where));
    where?.focus();
  }

  #draw() {
    const { job } = this.#faces;
    if (!job || (this.#step !== 'progress' && this.#step !== 'result')) return;
    if (job.phase === 'ready' || job.phase === 'failed') return this.#showResult(job);
    setText(this.#text, progressWords(job));
    const share = progressShare(job);
    if (share === null) this.#progress.removeAttribute('value');
    else this.#progress.value = share;
  }

  /** @param {Job & { phase: 'ready' | 'failed' }} job */
  #showResult(job) {
    if (this.#step === 'result') return;
    const isReady = job.phase === 'ready';
    if (isReady) this.#portrait.src = job.portrait;
    element('own-result-picture', HTMLElement).hidden = !isReady;
    this.#use.hidden = !isReady;
    this.#findings.replaceChildren(...findingsToTell(job).map(item));
    this.#show('result', progressWords(job));
    (isReady ? this.#use : element('own-other', HTMLElement)).focus();
  }

  #accept() {
    const { job } = this.#faces;
    if (job?.phase !== 'ready') return;
    this.#faces.finish();
    this.#dialog.close();
    this.#onUse(job.id);
  }

  async #again() {
    this.#camera.close();
    this.#show('choose');
    this.#title.focus();
    if (this.#faces.job) await this.#faces.discard();
  }

  #onClose() {
    this.#camera.close();
    this.#forget();
    this.#step = 'choose';
    if (this.#faces.job) void this.#faces.discard();
  }

  #forget() {
    this.#camera.close();
    this.#chosen = null;
    for (const id of ['own-preview', 'own-waiting-picture']) element(id, HTMLElement).replaceChildren();
    if (this.#preview) URL.revokeObjectURL(this.#preview);
    this.#preview = '';
  }

  /**
   * @param {Step} step
   * @param {string} [text]
   */
  #show(step, text) {
    this.#step = step;
    for (const part of this.#dialog.querySelectorAll('[data-step]')) {
      if (part instanceof HTMLElement) part.hidden = part.dataset.step !== step;
    }
    const titles = {
      choose: 'Your own face',
      camera: 'Your own face',
      details: 'Who is this?',
      progress: 'One moment',
      result: 'There you are',
    };
    setText(
      this.#title,
      step === 'result' && this.#faces.job?.phase === 'failed' ? 'That does not work' : titles[step],
    );
    setText(
      this.#text,
      text ?? { choose: CHOOSE, camera: CAMERA, details: DETAILS, progress: 'Sending…', result: '' }[step],
    );
  }
}

/** @param {import('./own-faces.js').Finding} finding */
function item({ level, found, advice }) {
  const line = document.createElement('li');
  line.className = `is-${level}`;
  line.append(found);
  if (advice) line.append(Object.assign(document.createElement('small'), { textContent: advice }));
  return line;
}
