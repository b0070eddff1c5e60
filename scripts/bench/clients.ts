import { join } from 'node:path';
import { AskedProcess } from './asked-process.ts';

/** What the viewers' microphones send all the time. */
export type Voice = 'speech' | 'quiet room';

/** What the viewers of the client process saw since the last reset, all together. */
export interface ClientFigures {
  readonly viewers: number;
  /** Viewers whose connection was ended by the server or failed. */
  readonly ended: number;
  /** Viewers that decipher all that comes in; the others read its headers. */
  readonly deciphering: number;
  /** Viewers that have had no picture for a second: they get none, or none that they can decipher. */
  readonly blind: number;
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

/** Viewers in a process of their own (client-process.ts). */
export class Clients {
  readonly #process = new AskedProcess<ClientRequest>(join(import.meta.dirname, 'client-process.ts'));

  get pid(): number {
    return this.#process.pid;
  }

  /** Adds viewers, one after the other. */
  async open(url: string, count: number, { voice }: { voice: Voice }): Promise<void> {
    await this.#process.ask({ name: 'open', url, count, voice });
  }

  /** Measures from now on. */
  async reset(): Promise<void> {
    await this.#process.ask({ name: 'reset' });
  }

  async figures(): Promise<ClientFigures> {
    return (await this.#process.ask({ name: 'figures' })) as ClientFigures;
  }

  /** All viewers hang up; the process stays. */
  async close(): Promise<void> {
    await this.#process.ask({ name: 'close' });
  }

  /** Ends the process. Idempotent. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }
}
