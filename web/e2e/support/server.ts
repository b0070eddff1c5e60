import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '../../..');
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 8_000;

export interface ServerOptions {
  /** A free one if left out. */
  readonly port?: number;
  /** Address to listen on; this machine alone if left out. */
  readonly host?: string;
  /** Path of a settings file. */
  readonly settings?: string;
  /** What to run, from the root of the repository; the product itself if left out. */
  readonly program?: string;
}

/** The real server in a process of its own, on a port of its own. */
export class Server {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #log = '';

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
    const keep = (text: unknown) => {
      this.#log = (this.#log + text).slice(-8000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
  }

  /** Resolves when the server takes sessions. */
  static async start({
    port,
    host = '127.0.0.1',
    settings,
    program = 'server/main.ts',
  }: ServerOptions = {}): Promise<Server> {
    const own = port ?? (await freePort());
    const args = ['--host', host, '--port', String(own), ...(settings ? ['--server-config', settings] : [])];
    const child = spawn(process.execPath, [program, ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const server = new Server(child, own);
    try {
      await server.#untilReady();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** The end of what it wrote. */
  get log(): string {
    return this.#log;
  }

  /** `localhost`, because browsers open the microphone to secure origins only and count it as one. */
  get url(): string {
    return `http://localhost:${this.port}`;
  }

  /** Sessions that live now. */
  async sessions(): Promise<number> {
    const response = await fetch(`${this.url}/figures`);
    const figures = (await response.json()) as { gauges?: Record<string, number> };
    const count = figures.gauges?.sessions;
    if (count === undefined) throw new Error(`/figures tells no number of sessions: ${JSON.stringify(figures)}`);
    return count;
  }

  /** Waits until so many sessions live; says how long that took, in ms. */
  async untilSessions(count: number, limitMs: number): Promise<number> {
    const startMs = performance.now();
    let found = await this.sessions();
    while (found !== count) {
      if (performance.now() - startMs > limitMs) {
        throw new Error(`expected ${count} sessions within ${limitMs} ms, found ${found}\n${this.#log}`);
      }
      await sleep(20);
      found = await this.sessions();
    }
    return performance.now() - startMs;
  }

  /** Ends it in order; idempotent. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill(signal);
    const limit = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.#exited;
    clearTimeout(limit);
  }

  async #untilReady(): Promise<void> {
    const endMs = performance.now() + START_LIMIT_MS;
    while (performance.now() < endMs) {
      if (this.#child.exitCode !== null) throw new Error(`the server ended at its start:\n${this.#log}`);
      const response = await fetch(`http://127.0.0.1:${this.port}/ready`).catch(() => null);
      if (response?.ok) return;
      await sleep(100);
    }
    throw new Error(`the server was not ready after ${START_LIMIT_MS} ms:\n${this.#log}`);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port was given');
  return address.port;
}
