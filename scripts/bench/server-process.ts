import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MetricsSnapshot } from '../../server/metrics.ts';

const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 10_000;
const READY_POLL_MS = 100;

export interface ServerOptions {
  /** Absolute path of the program. */
  readonly program: string;
  readonly args?: readonly string[];
  /** For node itself: `--cpu-prof` and the like. */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The server under test, in a process of its own, so that its CPU and memory can be told from those of its clients. */
export class ServerProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #complaints = '';

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.url = `http://127.0.0.1:${port}`;
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
    child.stderr?.on('data', (text) => {
      this.#complaints = (this.#complaints + text).slice(-4000);
    });
    // Nobody reads the log, but a full pipe would stop the server.
    child.stdout?.on('data', (text) => {
      this.#complaints = (this.#complaints + text).slice(-4000);
    });
  }

  /** Starts the program with `--host 127.0.0.1 --port` of a free port and waits until it is ready for sessions. */
  static async start({ program, args = [], nodeArgs = [], env = {} }: ServerOptions): Promise<ServerProcess> {
    const port = await freePort();
    const child = spawn(
      process.execPath,
      [...nodeArgs, program, '--host', '127.0.0.1', '--port', String(port), ...args],
      { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
    );
    const server = new ServerProcess(child, port);
    try {
      await server.#untilReady();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** What `/figures` says now. */
  async figures(): Promise<MetricsSnapshot> {
    const response = await fetch(`${this.url}/figures`);
    if (!response.ok) throw new Error(`${this.url}/figures answered ${response.status}`);
    return (await response.json()) as MetricsSnapshot;
  }

  /** Tells the program something, if it listens. */
  send(message: object): void {
    this.#child.send(message);
  }

  /** Asks the server to end (SIGTERM), and makes it end if it does not. Idempotent. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    const limit = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.#exited;
    clearTimeout(limit);
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
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port was given');
  return address.port;
}
