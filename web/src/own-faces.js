import { eventsOf } from './event-stream.js';

/**
 * @typedef {import('./door.js').Door} Door
 *
 * @typedef {{ level: 'ok' | 'advice' | 'refused', found: string, advice: string | null }} Finding
 * @typedef {{ level: 'ok' | 'advice' | 'refused', findings: Finding[] }} Report
 *
 * @typedef {{ phase: 'sending', share: number }
 *   | { phase: 'waiting' }
 *   | { phase: 'preparing', share: number }
 *   | { phase: 'ready', id: string, name: string, portrait: string, report: Report | null }
 *   | { phase: 'failed', problem: string, report: Report | null }} Job
 *
 * @typedef {{ file: File, name: string, consent: string }} NewFace
 */

/** When the line to the progress breaks, it is taken up again after this. */
const RETRY_MS = 1000;
const LINE_BROKE = 'The line to the server broke. Try again in a moment.';

/** The faces that people bring in: whether this person may, what is becoming of the one that they send, and which can be changed. */
export class OwnFaces extends EventTarget {
  mayAdd = false;
  /** Most bytes that a face may have. */
  maxBytes = Number.POSITIVE_INFINITY;
  /** Ids of those that may be renamed and deleted. @type {ReadonlySet<string>} */
  ids = new Set();
  /** What is becoming of the face that was sent last; null if nothing. @type {Job | null} */
  job = null;

  #door;
  /** The request while it is being sent. @type {XMLHttpRequest | null} */
  #upload = null;
  /** Id of the avatar of the job, once the server has taken it. */
  #id = '';
  /** Counts the faces that were sent: what comes late of an earlier one is dropped. */
  #order = 0;

  /** @param {Door} door */
  constructor(door) {
    super();
    this.#door = door;
  }

  /** Asks the server what there is and what may be done. */
  async refresh() {
    const [scope, response] = await Promise.all([this.#door.scope(), this.#door.fetch('/api/avatars')]);
    if (!response.ok) return;
    /** @type {{ avatars: { id: string, is_own: boolean }[], room: { places: number, max_bytes: number } }} */
    const { avatars, room } = await response.json();
    this.ids = new Set(scope === 'admin' ? avatars.filter(({ is_own }) => is_own).map(({ id }) => id) : []);
    this.mayAdd = scope === 'admin' && (room.places > 0 || this.ids.size > 0);
    this.maxBytes = room.max_bytes;
    this.#changed();
  }

  /** Sends a face and follows it until it is ready or refused, which {@link job} tells. @param {NewFace} face */
  async send(face) {
    const order = ++this.#order;
    this.#id = '';
    this.#step({ phase: 'sending', share: 0 });
    const answer = await this.#send(face, order);
    if (order !== this.#order) {
      // It was given up in the moment in which the server took it.
      if (answer.id) await this.#delete(answer.id);
      return;
    }
    if (!answer.id) return this.#step({ phase: 'failed', problem: answer.problem, report: null });
    this.#id = answer.id;
    this.#step({ phase: 'waiting' });
    while (order === this.#order && !isOver(this.job)) await this.#follow(answer.id, order);
  }

  /** Gives up the face that is on its way, or takes back the one that has just become ready; nothing of it is kept. */
  async discard() {
    this.#order += 1;
    this.#upload?.abort();
    this.#upload = null;
    const id = this.job?.phase === 'failed' ? '' : this.#id;
    this.#id = '';
    this.job = null;
    this.#changed();
    if (id) await this.#delete(id);
  }

  /** The person has seen what became of it. */
  finish() {
    this.#order += 1;
    this.#id = '';
    this.job = null;
    this.#changed();
  }

  /**
   * @param {string} id
   * @param {string} name
   * @returns {Promise<string>} What is wrong; '' if nothing.
   */
  async rename(id, name) {
    return this.#change(id, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    });
  }

  /**
   * @param {string} id
   * @returns {Promise<string>} What is wrong; '' if nothing.
   */
  async remove(id) {
    return this.#change(id, { method: 'DELETE' });
  }

  /**
   * @param {string} id
   * @param {RequestInit} init
   */
  async #change(id, init) {
    try {
      const response = await this.#door.fetch(`/api/avatars/${encodeURIComponent(id)}`, init);
      const problem = response.ok ? '' : detailOf(await response.text());
      await this.refresh();
      return problem;
    } catch {
      return LINE_BROKE;
    }
  }

  /** @param {string} id */
  async #delete(id) {
    await this.#change(id, { method: 'DELETE' });
  }

  /**
   * `fetch` does not tell how much has been sent.
   *
   * @param {NewFace} face
   * @param {number} order
   * @returns {Promise<{ id: string, problem: string }>}
   */
  #send({ file, name, consent }, order) {
    const form = new FormData();
    form.set('name', name);
    form.set('consent', consent);
    form.set('file', file, file.name);
    const request = new XMLHttpRequest();
    this.#upload = request;
    return new Promise((resolve) => {
      request.upload.addEventListener('progress', ({ loaded, total }) => {
        if (order === this.#order) this.#step({ phase: 'sending', share: loaded / total });
      });
      // What the server has whole it takes: its answer is waited for then, and taken back.
      request.upload.addEventListener('load', () => {
        if (this.#upload === request) this.#upload = null;
      });
      request.addEventListener('load', () => {
        if (request.status === 202) resolve({ id: JSON.parse(request.responseText).id, problem: '' });
        else resolve({ id: '', problem: detailOf(request.responseText) });
      });
      for (const event of ['error', 'abort', 'timeout']) {
        request.addEventListener(event, () => resolve({ id: '', problem: LINE_BROKE }));
      }
      request.open('POST', '/api/avatars');
      for (const [header, value] of Object.entries(this.#door.headers())) request.setRequestHeader(header, value);
      request.send(form);
    });
  }

  /**
   * Reads the progress until it ends or the line breaks.
   *
   * @param {string} id
   * @param {number} order
   */
  async #follow(id, order) {
    try {
      const response = await this.#door.fetch(`/api/avatars/${encodeURIComponent(id)}/progress`);
      if (response.status === 404) return this.#fail(order, 'Somebody took this face away.');
      if (!response.ok || !response.body) throw new Error(`the progress answered ${response.status}`);
      for await (const { event, data } of eventsOf(response.body)) {
        if (order !== this.#order) return;
        if (event === 'removed') return this.#fail(order, 'Somebody took this face away.');
        await this.#onProgress(JSON.parse(data), order);
      }
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /**
   * @param {{ id: string, state: string, share: number, problem: string | null }} progress
   * @param {number} order
   */
  async #onProgress({ id, state, share, problem }, order) {
    if (state === 'waiting') return this.#step({ phase: 'waiting' });
    if (state === 'preparing') return this.#step({ phase: 'preparing', share });
    const response = await this.#door.fetch(`/api/avatars/${encodeURIComponent(id)}`);
    const { name = '', portrait = '', report = null } = response.ok ? await response.json() : {};
    if (state === 'failed') return this.#fail(order, problem ?? '', report);
    const picture = await this.#door.picture(portrait);
    await this.refresh();
    if (order === this.#order) this.#step({ phase: 'ready', id, name, portrait: picture, report });
  }

  /**
   * @param {number} order
   * @param {string} problem
   * @param {Report | null} report
   */
  #fail(order, problem, report = null) {
    if (order === this.#order) this.#step({ phase: 'failed', problem, report });
  }

  #step(/** @type {Job} */ job) {
    this.job = job;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/** @param {Job | null} job */
function isOver(job) {
  return job === null || job.phase === 'ready' || job.phase === 'failed';
}

/** What a problem document (RFC 9457) says. */
function detailOf(/** @type {string} */ text) {
  try {
    return String(JSON.parse(text).detail);
  } catch {
    return 'The server gave an answer that makes no sense. Try again in a moment.';
  }
}
