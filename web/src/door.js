/**
 * The way into a server that may want a key: finds out whether it does, asks the person for one, and makes the address of the
 * WebSocket from it. The key stays in this tab.
 *
 * @typedef {object} DoorParts
 * @property {(path: string, init: RequestInit) => Promise<Response>} fetch
 * @property {{ get: () => string | null, set: (credential: string | null) => void }} store Keeps the key as long as the tab.
 * @property {(problem: string) => Promise<string>} ask Asks the person; `problem` is what was wrong with the last key, or ''.
 *
 * @typedef {{ required: boolean, scope: 'view' | 'speak' | 'admin' | null }} AccessAnswer
 */

/** API keys begin like this; everything else is a token that was made of one. */
const KEY_PREFIX = 'mc_';
/** A token is made for the moment in which the socket opens. */
const TICKET_LIFETIME_S = 30;

export class Door {
  #parts;
  /** Set while the person is being asked: later sockets wait for the same answer. @type {Promise<string> | null} */
  #asking = null;

  /** @param {DoorParts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /**
   * The socket's address with what lets it in, when there is that: waits for the person if a key is wanted.
   *
   * @param {URL} url
   * @returns {Promise<URL>}
   * @throws if the server does not answer.
   */
  async open(url) {
    let problem = '';
    for (;;) {
      const { required, scope } = await this.#access();
      if (!required) return url;
      if (scope === 'speak' || scope === 'admin') {
        const opened = new URL(url);
        opened.searchParams.set('access_token', await this.#ticket());
        return opened;
      }
      if (this.#parts.store.get()) {
        problem =
          scope === 'view'
            ? 'This key only lets you look on. Ask for one that lets you speak.'
            : 'This key is not good here, or no longer.';
        this.#parts.store.set(null);
      }
      this.#asking ??= this.#parts.ask(problem).finally(() => {
        this.#asking = null;
      });
      this.#parts.store.set(await this.#asking);
    }
  }

  /**
   * The picture behind `path`, which the server gives only to those it let in.
   *
   * @param {string} path
   * @returns {Promise<string>} An address for `img`: the path itself where no key is kept.
   */
  async picture(path) {
    if (!this.#parts.store.get()) return path;
    const response = await this.#parts.fetch(path, { headers: this.headers() });
    return response.ok ? URL.createObjectURL(await response.blob()) : path;
  }

  /**
   * Asks the server with what lets the person in.
   *
   * @param {string} path
   * @param {RequestInit} init Its headers as an object.
   */
  fetch(path, init = {}) {
    return this.#parts.fetch(path, { cache: 'no-store', ...init, headers: { ...init.headers, ...this.headers() } });
  }

  /** What the person may do here; null for nothing. @returns {Promise<AccessAnswer['scope']>} */
  async scope() {
    const { required, scope } = await this.#access();
    return required ? scope : 'admin';
  }

  /** @returns {Promise<AccessAnswer>} */
  async #access() {
    const response = await this.#parts.fetch('/api/access', { headers: this.headers(), cache: 'no-store' });
    if (!response.ok) throw new Error(`/api/access answered ${response.status}`);
    return response.json();
  }

  /** What goes into the address of the socket: addresses end up in logs of proxies, so the key itself does not. */
  async #ticket() {
    const credential = this.#parts.store.get() ?? '';
    if (!credential.startsWith(KEY_PREFIX)) return credential;
    const response = await this.#parts.fetch('/api/tokens', {
      method: 'POST',
      headers: { ...this.headers(), 'content-type': 'application/json' },
      body: JSON.stringify({ scope: 'speak', lifetime_s: TICKET_LIFETIME_S }),
    });
    if (!response.ok) throw new Error(`/api/tokens answered ${response.status}`);
    return (await response.json()).token;
  }

  /** What goes with a request to let it in. */
  headers() {
    const credential = this.#parts.store.get();
    /** @type {Record<string, string>} */
    const headers = credential ? { authorization: `Bearer ${credential}` } : {};
    return headers;
  }
}

const KEPT_AS = 'musecast.access';

/** Keeps the key as long as the tab; as long as the page where storage is blocked. */
export function tabStore() {
  /** @type {string | null} */
  let own = null;
  return {
    get() {
      try {
        return sessionStorage.getItem(KEPT_AS) ?? own;
      } catch {
        return own;
      }
    },
    set(/** @type {string | null} */ credential) {
      own = credential;
      try {
        if (credential === null) sessionStorage.removeItem(KEPT_AS);
        else sessionStorage.setItem(KEPT_AS, credential);
      } catch {
        // Storage is blocked: the page itself remembers.
      }
    },
  };
}

/**
 * A key or token in the address of the page (`#access_token=…`), as an invitation has it. The part behind `#` is never sent to
 * a server, and is taken out of the address at once.
 *
 * @returns {string | null}
 */
export function takeFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get('access_token');
  if (given) history.replaceState(history.state, '', location.pathname + location.search);
  return given;
}
