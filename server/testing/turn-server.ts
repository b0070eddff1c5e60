import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const PROGRAM = 'turnserver';
const USERNAME = 'viewer';
const CREDENTIAL = 'not a secret';
const START_LIMIT_MS = 8000;
const STOP_LIMIT_MS = 3000;

/** Why tests with a TURN server cannot run here; false if they can. For `{ skip }` of a test. */
export const withoutTurnServer: string | false = isInstalled()
  ? false
  : 'coturn is not installed: there is no turnserver on the PATH (Debian, Ubuntu: apt-get install coturn)';

export interface TurnServerOptions {
  /** The only protocol between its clients and itself; what it relays is always UDP. */
  readonly protocol: 'udp' | 'tcp';
}

/** A real TURN server (coturn) on loopback, in a process and a folder of its own. Whoever starts it stops it. */
export class TurnServer {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #url: string;
  #log = '';
  readonly #lookers = new Set<() => void>();

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.#child = child;
    this.#folder = folder;
    this.#url = url;
    const keep = (text: unknown): void => {
      this.#log += text;
      for (const look of this.#lookers) look();
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('exit', () => keep('turnserver ended\n'));
  }

  /** Resolves when it takes clients. */
  static async start({ protocol }: TurnServerOptions): Promise<TurnServer> {
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'musecast-turn-'));
    const settings = [
      `listening-port=${port}`,
      'listening-ip=127.0.0.1',
      'relay-ip=127.0.0.1',
      'allow-loopback-peers',
      'lt-cred-mech',
      'realm=musecast.test',
      `user=${USERNAME}:${CREDENTIAL}`,
      protocol === 'udp' ? 'no-tcp' : 'no-udp',
      'no-tls',
      'no-dtls',
      'no-cli',
      'no-rfc5780',
      'log-file=stdout',
      'verbose',
      `pidfile=${join(folder, 'turnserver.pid')}`,
      `userdb=${join(folder, 'turndb')}`,
    ];
    await writeFile(join(folder, 'turnserver.conf'), `${settings.join('\n')}\n`);
    const child = spawn(PROGRAM, ['-c', join(folder, 'turnserver.conf')], { stdio: ['ignore', 'pipe', 'pipe'] });
    const server = new TurnServer(child, folder, `turn:127.0.0.1:${port}?transport=${protocol}`);
    try {
      await server.until('it listens', () => /(UDP|TCP) listener opened/.test(server.#log), START_LIMIT_MS);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** In the form of RTCConfiguration.iceServers. */
  get iceServers(): { urls: string; username: string; credential: string }[] {
    return [{ urls: this.#url, username: USERNAME, credential: CREDENTIAL }];
  }

  /** Relays opened so far. */
  get relaysOpened(): number {
    return this.#log.match(/session \d+: new, /g)?.length ?? 0;
  }

  /** Relays given back by their clients so far. */
  get relaysGivenBack(): number {
    return this.#log.match(/session \d+: delete: /g)?.length ?? 0;
  }

  /** How often a peer got, or got again, the permission to send through a relay. */
  get permissionsRenewed(): number {
    return this.#log.match(/incoming packet (CHANNEL_BIND|CREATE_PERMISSION) processed, success/g)?.length ?? 0;
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      const limit = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      await exited;
      clearTimeout(limit);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Waits until the server's own account shows something. */
  until(what: string, isSo: () => boolean, limitMs = 2000): Promise<void> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        this.#lookers.delete(look);
        reject(new Error(`it did not come about within ${limitMs} ms that ${what}:\n${this.#log.slice(-4000)}`));
      }, limitMs);
      const look = (): void => {
        if (!isSo()) return;
        clearTimeout(limit);
        this.#lookers.delete(look);
        resolve();
      };
      this.#lookers.add(look);
      look();
    });
  }
}

function isInstalled(): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, PROGRAM), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port was given');
  return address.port;
}
