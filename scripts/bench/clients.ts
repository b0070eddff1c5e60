import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

/** What the viewers' microphones send all the time. */
export type Voice = 'speech' | 'quiet room';

/** What the viewers of the client process saw since the last reset, all together. */
export interface ClientFigures {
  readonly viewers: number;
  /** Viewers whose connection was ended by the server or failed. */
  readonly ended: number;
  readonly frames: number;
  /** Pictures that never came. */
  readonly missing: number;
  readonly gapP50Ms: number;
  readonly gapP99Ms: number;
  readonly gapMaxMs: number;
  /** Of the viewer in the middle: by how many ms pictures come later every second. */
  readonly latenessGrowth: number;
}

export type ClientRequest =
  | { readonly name: 'open'; readonly url: string; readonly count: number; readonly voice: Voice }
  | { readonly name: 'close' | 'reset' | 'figures' };

export interface ClientResponse {
  readonly id: number;
  readonly result?: ClientFigures | null;
  readonly error?: string;
}

interface Waiting {
  readonly resolve: (result: ClientFigures | null) => void;
  readonly reject: (error: Error) => void;
}

/** Viewers in a process of their own (client-process.ts). */
export class Clients {
  readonly #child: ChildProcess = fork(join(import.meta.dirname, 'client-process.ts'));
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;

  constructor() {
    this.#child.on('message', ({ id, result = null, error }: ClientResponse) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error));
    });
    this.#child.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the process of the viewers ended'));
      this.#waiting.clear();
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Adds viewers, one after the other. */
  async open(url: string, count: number, { voice }: { voice: Voice }): Promise<void> {
    await this.#ask({ name: 'open', url, count, voice });
  }

  /** Measures from now on. */
  async reset(): Promise<void> {
    await this.#ask({ name: 'reset' });
  }

  async figures(): Promise<ClientFigures> {
    return (await this.#ask({ name: 'figures' })) as ClientFigures;
  }

  /** All viewers hang up; the process stays. */
  async close(): Promise<void> {
    await this.#ask({ name: 'close' });
  }

  /** Ends the process. Idempotent. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await exited;
  }

  #ask(request: ClientRequest): Promise<ClientFigures | null> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, request });
    });
  }
}
