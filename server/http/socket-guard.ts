import { allowsOrigin } from './access/origins.ts';

/** Whether a WebSocket may be opened; the answer to one that may not. */
export type Refusal = { readonly status: 403 | 429; readonly message: string };

export interface SocketGuardOptions {
  /** Origins besides the server's own whose pages may connect; `*` for all. */
  readonly origins: readonly string[];
  readonly maxConnectionsPerAddress: number;
}

/** Decides which WebSockets may be opened, before anything of them is read. */
export class SocketGuard {
  readonly #options: SocketGuardOptions;
  readonly #openByAddress = new Map<string, number>();

  constructor(options: SocketGuardOptions) {
    this.#options = options;
  }

  /**
   * @param origin The `Origin` header; undefined for clients that are no browsers.
   * @param host The `Host` header.
   */
  refuse(origin: string | undefined, host: string, address: string): Refusal | null {
    if (!allowsOrigin(origin, host, this.#options.origins)) {
      return { status: 403, message: `Pages of ${origin} may not connect; add it to http.cors_origins.` };
    }
    const { maxConnectionsPerAddress: limit } = this.#options;
    if ((this.#openByAddress.get(address) ?? 0) >= limit) {
      return { status: 429, message: `This address holds ${limit} connections open already; close some first.` };
    }
    return null;
  }

  /** Counts an open connection. Returns a function that gives it back, to be called once. */
  enter(address: string): () => void {
    this.#openByAddress.set(address, (this.#openByAddress.get(address) ?? 0) + 1);
    return () => {
      const left = (this.#openByAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#openByAddress.set(address, left);
      else this.#openByAddress.delete(address);
    };
  }
}
