import { FREE_ACCESS } from '../http/access/access.ts';
import { type App, createApp, listen } from '../http/app.ts';
import type { ServeFramesOptions } from '../http/frame-service/serve-frames.ts';
import { serveFrames } from '../http/frame-service/serve-frames.ts';
import { silentLog } from '../log.ts';
import { Metrics } from '../metrics.ts';
import type { EncoderSource } from '../session/encoder-source.ts';
import { IdleLoops } from '../session/idle-loops.ts';
import { SessionRegistry } from '../session/registry.ts';
import { processTimers } from '../timers.ts';
import { FakeGallery } from './fake-viewers.ts';
import { FakeEncoders, FakeScheduler, FakeShelf, FakeSource, fakeAvatar, fakeStoredClip } from './fakes.ts';
import { FrameClient, type FrameClientOptions } from './frame-client.ts';

/** The frame service with real sessions, fake engine and fake encoders, on a free port of 127.0.0.1. */
export interface FrameRig {
  readonly app: App;
  readonly url: string;
  readonly gallery: FakeGallery;
  readonly registry: SessionRegistry;
  readonly scheduler: FakeScheduler;
  readonly encoders: EncoderSource;
  readonly shelf: FakeShelf;
  readonly metrics: Metrics;
  /** Connects as `userId`. */
  client(userId?: string, options?: FrameClientOptions): Promise<FrameClient>;
  /** Connects and sends INIT. */
  session(userId?: string, options?: FrameClientOptions): Promise<FrameClient>;
  close(): Promise<void>;
}

export interface FrameRigOptions
  extends Partial<Omit<ServeFramesOptions, 'limits'>>,
    Partial<ServeFramesOptions['limits']> {
  readonly capacity?: number;
  readonly encoders?: EncoderSource;
  /** Below the bit rate of sessions, silent ones are put on the shared loop; never unless said. */
  readonly loopBitrateBps?: number;
}

export async function openFrameRig(options: FrameRigOptions = {}): Promise<FrameRig> {
  const log = silentLog();
  const metrics = new Metrics();
  const scheduler = new FakeScheduler();
  const encoders = options.encoders ?? new FakeEncoders();
  const shelf = new FakeShelf();
  const stored = [fakeStoredClip('speaking_0'), fakeStoredClip('action_1', 5), fakeStoredClip('action_2', 3)];
  const gallery = new FakeGallery([fakeAvatar('anna', 0, 10, stored), fakeAvatar('bert', 100)]);
  const registry = new SessionRegistry({
    capacity: options.capacity ?? 50,
    findAvatar: (id) => gallery.avatars.find((avatar) => avatar.id === id) ?? gallery.avatars[0],
    clips: shelf,
    loadClip: async () => new FakeSource(),
    scheduler,
    encoders,
    loops: new IdleLoops(encoders, options.loopBitrateBps ?? Number.POSITIVE_INFINITY, log),
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
  const app = await createApp({
    corsOrigins: [],
    trustProxy: false,
    tls: null,
    maxMessageBytes: 100_000,
    maxConnectionsPerAddress: 200,
    pageFolder: `${import.meta.dirname}/../../web`,
    log,
  });
  serveFrames(app, {
    gallery,
    sessions: () => registry,
    access: FREE_ACCESS,
    avatarOf: (userId) => (userId === 'bert' ? 'bert' : null),
    maxMessageBytes: 65_536,
    maxMessagesPerSecond: 2000,
    metrics,
    log,
    ...options,
    limits: {
      initTimeoutMs: options.initTimeoutMs ?? 10_000,
      idleTimeoutMs: options.idleTimeoutMs ?? 300_000,
      pingIntervalMs: options.pingIntervalMs ?? 30_000,
      maxQueuedAudioMs: options.maxQueuedAudioMs ?? 10_000,
      computeBudgetMs: 30,
      sendBufferBytes: options.sendBufferBytes ?? 262_144,
    },
  });
  const port = await listen(app, '127.0.0.1', 0);
  const url = `ws://127.0.0.1:${port}/musetalk/v1/ws/`;
  const clients: FrameClient[] = [];
  const client = async (userId = 'anna', clientOptions: FrameClientOptions = {}) => {
    const opened = await FrameClient.open(`${url}${userId}`, clientOptions);
    clients.push(opened);
    return opened;
  };
  return {
    app,
    url,
    gallery,
    registry,
    scheduler,
    encoders,
    shelf,
    metrics,
    client,
    async session(userId, clientOptions) {
      const opened = await client(userId, clientOptions);
      await opened.init();
      return opened;
    },
    async close() {
      for (const each of clients) each.socket.terminate();
      await registry.closeAll(0);
      await app.close();
    },
  };
}
