import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { frugalStart } from '../../server/frugal-start.ts';
import type { MetricsSnapshot } from '../../server/metrics.ts';
import type { BenchRun } from './bench.ts';
import type { Square } from './chromium.ts';

const START_LIMIT_MS = 300_000;
const STOP_LIMIT_MS = 10_000;
const READY_POLL_MS = 100;
const REPOSITORY = join(import.meta.dirname, '../..');

/** How the server under test differs from `npm start`. */
export interface ServerSetup {
  /** Shows what it hears, instead of the engine of the settings; null for that one. */
  readonly flash: { readonly lookAheadMs: number } | null;
  /** What every new session plays: beeps at whole seconds of media time, nothing. */
  readonly plays: 'beeps' | null;
  /** Share of the media packets, in and out, that get lost, 0..1. */
  readonly lossShare: number;
}

/** What can be asked of the server under test. */
export type ServerQuestion =
  /** Where the mouth is in the first avatar's first picture. */
  | { readonly name: 'square' }
  /** RTP time stamps of media time 0. */
  | { readonly name: 'rtp_origins' }
  | { readonly name: 'reset_histograms' }
  /** Collects garbage first. */
  | { readonly name: 'resources' }
  /** Makes every session play a tone until it is interrupted. */
  | { readonly name: 'play_tone' };

/** RTP time stamps of media time 0 of the last viewer that came. */
export interface RtpOrigins {
  readonly audio: number;
  readonly video: number;
}

/** What keeps the server's process alive, by kind; see `process.getActiveResourcesInfo()`. */
export type Resources = Readonly<Record<string, number>>;

const AS_SHIPPED: ServerSetup = { flash: null, plays: null, lossShare: 0 };

export interface ServerOptions {
  readonly setup?: Partial<ServerSetup>;
  /** In place of the defaults, in the form of configs/server.yaml. */
  readonly settings?: Readonly<Record<string, object>>;
  /** In place of configs/inference/realtime.yaml. */
  readonly avatarsFile?: string;
}

/** The server under test, in a process of its own, so that its CPU and memory can be told from those of its clients. */
export class ServerProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #exited: Promise<void>;
  readonly #answers = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  #nextId = 0;
  #complaints = '';

  private constructor(child: ChildProcess, port: number, folder: string) {
    this.#child = child;
    this.#folder = folder;
    this.url = `http://127.0.0.1:${port}`;
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
    const keep = (text: Buffer): void => {
      this.#complaints = (this.#complaints + text).slice(-4000);
    };
    // A pipe that nobody reads would stop the server once it is full.
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('message', ({ id, answer, error }: { id: number; answer?: unknown; error?: string }) => {
      if (error === undefined) this.#answers.get(id)?.resolve(answer);
      else this.#answers.get(id)?.reject(new Error(error));
      this.#answers.delete(id);
    });
    child.once('exit', () => {
      for (const { reject } of this.#answers.values()) reject(new Error(`the server ended:\n${this.#complaints}`));
      this.#answers.clear();
    });
  }

  /** Starts the server on a free port and waits until it takes sessions. It is stopped when the bench ends. */
  static async start(run: BenchRun, { setup, settings, avatarsFile }: ServerOptions = {}): Promise<ServerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'musecast-bench-'));
    const settingsFile = join(folder, 'server.yaml');
    // JSON is YAML. The measuring page comes from another port, hence another origin.
    const chosen = { ...settings, log: { file: null, level: 'warn' }, http: { cors_origins: ['*'] } };
    writeFileSync(settingsFile, JSON.stringify(chosen));
    const port = await freePort();
    const profiling = run.profileFolder ? ['--cpu-prof', '--cpu-prof-dir', run.profileFolder] : [];
    // As main.ts starts itself.
    const start = { env: process.env, flags: ['--expose-gc', ...profiling] };
    const { env, flags } = frugalStart(start) ?? start;
    const child = spawn(
      process.execPath,
      [
        ...[...flags, join(import.meta.dirname, 'server-under-test.ts')],
        ...['--host', '127.0.0.1', '--port', String(port), '--server-config', settingsFile],
        ...(avatarsFile ? ['--config', avatarsFile] : []),
      ],
      {
        cwd: REPOSITORY,
        env: { ...env, SERVER_SETUP: JSON.stringify({ ...AS_SHIPPED, ...setup }) },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    );
    const server = new ServerProcess(child, port, folder);
    run.atEnd(() => server.stop());
    await server.#untilReady();
    return server;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** What `/figures` says now. */
  async figures(): Promise<MetricsSnapshot> {
    // A connection that is kept for the next question would count as something that the viewers left.
    const response = await fetch(`${this.url}/figures`, { headers: { connection: 'close' } });
    if (!response.ok) throw new Error(`${this.url}/figures answered ${response.status}`);
    return (await response.json()) as MetricsSnapshot;
  }

  async square(): Promise<Square> {
    return (await this.#ask({ name: 'square' })) as Square;
  }

  async rtpOrigins(): Promise<RtpOrigins> {
    return (await this.#ask({ name: 'rtp_origins' })) as RtpOrigins;
  }

  /** Histograms begin anew; counters go on. */
  async resetHistograms(): Promise<void> {
    await this.#ask({ name: 'reset_histograms' });
  }

  async resources(): Promise<Resources> {
    return (await this.#ask({ name: 'resources' })) as Resources;
  }

  async playTone(): Promise<void> {
    await this.#ask({ name: 'play_tone' });
  }

  /** Asks the server to end (SIGTERM), and makes it end if it does not. Idempotent. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM');
      const limit = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT_MS);
      await this.#exited;
      clearTimeout(limit);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #ask(question: ServerQuestion): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject });
      this.#child.send({ id, question });
    });
  }

  async #untilReady(): Promise<void> {
    const endMs = performance.now() + START_LIMIT_MS;
    while (performance.now() < endMs) {
      if (this.#child.exitCode !== null) throw new Error(`the server ended at its start:\n${this.#complaints}`);
      const response = await fetch(`${this.url}/ready`).catch(() => null);
      if (response?.ok) return;
      await sleep(READY_POLL_MS);
    }
    throw new Error(`the server was not ready after ${START_LIMIT_MS} ms:\n${this.#complaints}`);
  }
}

/** A TCP port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port was given');
  return address.port;
}
