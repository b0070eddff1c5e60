import { join } from 'node:path';
import { AskedProcess } from './asked-process.ts';

/** What the clients of the client process saw since the last reset, all together. */
export interface FrameClientFigures {
  readonly clients: number;
  /** Clients whose session was ended by the server. */
  readonly ended: number;
  /** ERROR messages. */
  readonly errors: number;
  /** Pictures that never came. */
  readonly missing: number;
  readonly gapP50Ms: number;
  readonly gapP99Ms: number;
  readonly gapMaxMs: number;
  /** Pictures per second of the client that got the fewest, and of the one that got the most. */
  readonly slowestFps: number;
  readonly fastestFps: number;
  /** Of the client in the middle: by how many ms pictures come later every second. */
  readonly latenessGrowth: number;
  /** From sound sent to the picture that shows it received. */
  readonly soundToPictureP50Ms: number;
  readonly soundToPictureP95Ms: number;
  /** Of messages with pictures, per client. */
  readonly kbitPerSecond: number;
  readonly longestKeyFrameGap: number;
}

export type FrameClientRequest =
  | { readonly name: 'open'; readonly url: string; readonly count: number; readonly isBinary: boolean }
  | { readonly name: 'close' | 'reset' | 'figures' };

/** Talking clients of the frame service in a process of their own (frame-client-process.ts). */
export class FrameClients {
  readonly #process = new AskedProcess<FrameClientRequest>(join(import.meta.dirname, 'frame-client-process.ts'));

  get pid(): number {
    return this.#process.pid;
  }

  /** Adds clients, one after the other. @returns From each one's INIT sent to its first picture, ms. */
  async open(url: string, count: number, { isBinary }: { isBinary: boolean }): Promise<number[]> {
    return (await this.#process.ask({ name: 'open', url, count, isBinary })) as number[];
  }

  /** Measures from now on. */
  async reset(): Promise<void> {
    await this.#process.ask({ name: 'reset' });
  }

  async figures(): Promise<FrameClientFigures> {
    return (await this.#process.ask({ name: 'figures' })) as FrameClientFigures;
  }

  /** All clients hang up; the process stays. */
  async close(): Promise<void> {
    await this.#process.ask({ name: 'close' });
  }

  /** Ends the process. Idempotent. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }
}
