import { OpusEncoder } from '../codecs/opus-encoder.ts';
import { VideoEncoder } from '../codecs/video-encoder.ts';
import type { Scope } from '../http/access/access.ts';
import { FREE_ACCESS } from '../http/access/access.ts';
import { hashOfKey, type KeyEntry, makeApiKey } from '../http/access/api-key.ts';
import { KeyAccess } from '../http/access/key-access.ts';
import { SessionTokens } from '../http/access/session-tokens.ts';
import { serveApi } from '../http/api/api.ts';
import type { AvatarRouteOptions } from '../http/api/avatar-routes.ts';
import type { ModelRouteOptions } from '../http/api/model-routes.ts';
import { type App, type AppOptions, createApp, listen } from '../http/app.ts';
import { viewerConnector } from '../http/connect-viewer.ts';
import { serveDocs } from '../http/docs/serve-docs.ts';
import { serveSignalling } from '../http/signalling.ts';
import { serveStatus } from '../http/status.ts';
import type { Log } from '../log.ts';
import { silentLog } from '../log.ts';
import { Metrics } from '../metrics.ts';
import type { EncoderSource, PictureEncoderOptions } from '../session/encoder-source.ts';
import { IdleLoops } from '../session/idle-loops.ts';
import { SessionRegistry } from '../session/registry.ts';
import { processTimers } from '../timers.ts';
import { NO_OWN_AVATARS } from './fake-own-avatars.ts';
import { FakeGallery } from './fake-viewers.ts';
import { FakeScheduler, FakeShelf, FakeSource, fakeAvatar } from './fakes.ts';

/** Real encoders that count. */
export class CountingEncoders implements EncoderSource {
  videosOpened = 0;
  /** Numbers of the frames that were encoded, in that order. */
  readonly frames: number[] = [];
  readonly openVideo = async (options: PictureEncoderOptions) => {
    this.videosOpened += 1;
    const encoder = await VideoEncoder.open(options);
    return {
      encode: (...args: Parameters<typeof encoder.encode>) => {
        this.frames.push(args[1].frameIndex);
        return encoder.encode(...args);
      },
      setBitrate: (bps: number) => encoder.setBitrate(bps),
      close: () => encoder.close(),
    };
  };
  readonly openOpus = (options: { bitrateBps: number }) => OpusEncoder.open(options);
}

export interface ApiRigOptions extends Partial<AppOptions> {
  /** Without, none may be brought in. */
  readonly avatars?: Partial<AvatarRouteOptions>;
  /** Names of keys by scope; without, access is free. */
  readonly keys?: readonly { readonly id: string; readonly scope: Scope; readonly maxSessions?: number }[];
  readonly capacity?: number;
  readonly models?: ModelRouteOptions['models'];
  readonly log?: Log;
  /** Called before any route is added. */
  readonly onApp?: (app: App) => void;
  /** Further routes of the test. */
  readonly addRoutes?: (app: App) => void;
  readonly iceServers?: readonly { urls: string; username?: string; credential?: string }[];
}

/** An answer with its body read. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON, or an empty object. */
  readonly body: Record<string, unknown>;
}

/** The REST surface with real sessions, real encoders and real peers, and a fake engine, on a free port of 127.0.0.1. */
export interface ApiRig {
  readonly app: App;
  readonly port: number;
  readonly gallery: FakeGallery;
  readonly registry: SessionRegistry;
  readonly encoders: CountingEncoders;
  readonly tokens: SessionTokens;
  /** The key of that name. */
  key(id: string): string;
  /** Sends a request; an object becomes JSON. `as`: name of the key to use, or a token. */
  ask(method: string, path: string, options?: AskOptions): Promise<ApiAnswer>;
  close(): Promise<void>;
}

export interface AskOptions {
  readonly body?: object | string;
  readonly type?: string;
  readonly as?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function openApiRig(options: ApiRigOptions = {}): Promise<ApiRig> {
  const log = options.log ?? silentLog();
  const metrics = new Metrics();
  const gallery = new FakeGallery([fakeAvatar('anna'), fakeAvatar('bert', 100)]);
  const encoders = new CountingEncoders();
  const registry = new SessionRegistry({
    capacity: options.capacity ?? 10,
    findAvatar: (id) => gallery.avatars.find((avatar) => avatar.id === id) ?? gallery.avatars[0],
    clips: new FakeShelf(),
    loadClip: async () => new FakeSource(),
    scheduler: new FakeScheduler(),
    encoders,
    loops: new IdleLoops(encoders, Number.POSITIVE_INFINITY, log),
    viewers: {
      widthPx: 16,
      heightPx: 16,
      startBitrateBps: 500_000,
      minBitrateBps: 150_000,
      maxBitrateBps: 2_500_000,
      keyFrameIntervalMinMs: 500,
      opusBitrateBps: 32_000,
    },
    computeBudgetMs: 30,
    maxExtraDelayMs: 40,
    timers: processTimers,
    metrics,
    log,
  });
  const secrets = new Map((options.keys ?? []).map(({ id }) => [id, makeApiKey()]));
  const entries = (options.keys ?? []).map(
    ({ id, scope, maxSessions = null }): KeyEntry => ({
      id,
      sha256: hashOfKey(secrets.get(id) ?? ''),
      scope,
      maxSessions,
      maxRequestsPerSecond: null,
    }),
  );
  const tokens = new SessionTokens(new Uint8Array(32));
  const access = options.keys ? new KeyAccess(entries, tokens) : FREE_ACCESS;
  const app = await createApp({
    access,
    corsOrigins: [],
    trustProxy: false,
    tls: null,
    maxMessageBytes: 100_000,
    maxConnectionsPerAddress: 200,
    pageFolder: `${import.meta.dirname}/../../web`,
    ...options,
    log,
  });
  options.onApp?.(app);
  await serveDocs(app, { version: '1.2.3' });
  const connectViewer = viewerConnector({
    peer: {
      iceServers: [],
      transportPolicy: 'all',
      hostAddresses: ['127.0.0.1'],
      portRange: null,
      useTcp: false,
      useIpv6: false,
    },
    microphone: {},
  });
  const sessions = () => registry;
  serveSignalling(app, {
    gallery,
    sessions,
    connectViewer,
    iceServers: [],
    connectTimeoutMs: 30_000,
    maxMessageBytes: 100_000,
    maxMessagesPerSecond: 1000,
    log,
  });
  serveStatus(app, {
    gallery,
    access,
    isPublic: () => true,
    isStarted: () => true,
    health: () => ({}),
    figures: () => metrics.snapshot(),
  });
  serveApi(app, {
    access,
    tokens,
    tokenLifetimeMaxS: 600,
    gallery,
    ownAvatars: NO_OWN_AVATARS,
    maxUploadBytes: 1_000_000,
    ...options.avatars,
    sessions,
    connectViewer,
    iceServers: options.iceServers ?? [],
    engines: () => ({ known: ['static', 'embedded'], running: 'embedded' }),
    models: options.models ?? {
      ids: ['static', 'embedded'],
      state: async () => ({ running: 'embedded', loading: null, problem: null, engines: [] }),
      switchTo: () => {},
    },
    figures: () => metrics.snapshot(),
    log,
  });
  options.addRoutes?.(app);
  const port = await listen(app, '127.0.0.1', 0);
  const key = (id: string) => secrets.get(id) ?? id;
  return {
    app,
    port,
    gallery,
    registry,
    encoders,
    tokens,
    key,
    async ask(method, path, { body, type, as, headers = {} } = {}) {
      const isText = typeof body === 'string';
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': type ?? (isText ? 'application/sdp' : 'application/json') }),
          ...(as === undefined ? {} : { authorization: `Bearer ${key(as)}` }),
          ...headers,
        },
        body: body === undefined ? undefined : isText ? body : JSON.stringify(body),
      });
      const text = await response.text();
      const isJson = /json/.test(response.headers.get('content-type') ?? '');
      return { status: response.status, headers: response.headers, text, body: isJson && text ? JSON.parse(text) : {} };
    },
    async close() {
      await registry.closeAll(0);
      await app.close();
    },
  };
}
