import { FREE_ACCESS } from '../http/access/access.ts';
import { type App, type AppOptions, createApp, listen } from '../http/app.ts';
import { serveSignalling } from '../http/signalling.ts';
import { serveStatus } from '../http/status.ts';
import { silentLog } from '../log.ts';
import { FakeGallery, FakePeers, FakeSessions } from './fake-viewers.ts';
import { fakeAvatar } from './fakes.ts';
import { TextClient } from './text-client.ts';

/** An avatar of this id is one that somebody brought in. */
export const OWN_AVATAR = 'bert';

/** The HTTP server with fakes behind it, on a free port of 127.0.0.1. */
export interface HttpRig {
  readonly app: App;
  readonly port: number;
  readonly gallery: FakeGallery;
  readonly sessions: FakeSessions;
  readonly peers: FakePeers;
  /** Opens `/ws`. */
  client(options?: { origin?: string }): Promise<TextClient>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

export interface HttpRigOptions extends Partial<AppOptions> {
  readonly maxMessagesPerSecond?: number;
  readonly connectTimeoutMs?: number;
  readonly capacity?: number;
  /** Further routes of the test. */
  readonly addRoutes?: (app: App) => void;
}

export async function openHttpRig(options: HttpRigOptions = {}): Promise<HttpRig> {
  const log = silentLog();
  const app = await createApp({
    corsOrigins: [],
    trustProxy: false,
    tls: null,
    maxMessageBytes: 10_000,
    maxConnectionsPerAddress: 50,
    pageFolder: `${import.meta.dirname}/../../web`,
    log,
    ...options,
  });
  const gallery = new FakeGallery([fakeAvatar('anna'), fakeAvatar('bert')]);
  const sessions = new FakeSessions(options.capacity);
  const peers = new FakePeers();
  serveSignalling(app, {
    gallery,
    sessions: () => sessions,
    connectViewer: peers.connect,
    iceServers: [{ urls: 'stun:stun.example.org' }],
    connectTimeoutMs: options.connectTimeoutMs ?? 30_000,
    maxMessageBytes: options.maxMessageBytes ?? 10_000,
    maxMessagesPerSecond: options.maxMessagesPerSecond ?? 1000,
    log,
  });
  serveStatus(app, {
    gallery,
    access: options.access ?? FREE_ACCESS,
    isPublic: (id) => id !== OWN_AVATAR,
    isStarted: () => gallery.progress().every(({ state }) => state === 'ready' || state === 'failed'),
    health: () => ({ sessions: 0 }),
    figures: () => ({ counters: {} }),
  });
  options.addRoutes?.(app);
  const port = await listen(app, '127.0.0.1', 0);
  const clients: TextClient[] = [];
  return {
    app,
    port,
    gallery,
    sessions,
    peers,
    async client(clientOptions) {
      const client = await TextClient.open(`${options.tls ? 'wss' : 'ws'}://127.0.0.1:${port}/ws`, clientOptions);
      clients.push(client);
      return client;
    },
    get: (path, headers = {}) => fetch(`http://127.0.0.1:${port}${path}`, { headers }),
    async close() {
      for (const client of clients) client.socket.terminate();
      await app.close();
    },
  };
}
