import { availableParallelism } from 'node:os';
import { AvatarLoading } from './avatar-loading.ts';
import type { Avatar } from './avatars/avatar.ts';
import { ClipLibrary } from './clip-library.ts';
import { AvatarShelf } from './clip-shelf.ts';
import { OpusEncoder } from './codecs/opus-encoder.ts';
import { VideoEncoder } from './codecs/video-encoder.ts';
import type { Config } from './config/config.ts';
import type { Settings } from './config/settings.ts';
import { EngineSwitch } from './engine-switch.ts';
import type { StartProgress } from './engines/engine.ts';
import { ENGINE_IDS, type EngineChoice } from './engines/registry.ts';
import { AppError } from './errors.ts';
import { isLoopback, type OpenedAccess, openAccess } from './http/access/open-access.ts';
import { serveApi } from './http/api/api.ts';
import { type App, createApp, listen } from './http/app.ts';
import { viewerConnector } from './http/connect-viewer.ts';
import { serveDocs } from './http/docs/serve-docs.ts';
import { serveAvatars } from './http/frame-service/serve-avatars.ts';
import { serveFrames } from './http/frame-service/serve-frames.ts';
import { avatarOfUser } from './http/frame-service/user-avatar.ts';
import { serveMetrics } from './http/metrics/serve-metrics.ts';
import { serveSignalling } from './http/signalling.ts';
import { serveStatus } from './http/status.ts';
import { serveStreamer } from './http/streamer/serve-streamer.ts';
import type { Log } from './log.ts';
import { MediaFolders } from './media-folders.ts';
import { Metrics } from './metrics.ts';
import { MuseTalkFaces } from './musetalk-faces.ts';
import { engineOf, openScheduler, startEngine } from './open-scheduler.ts';
import { OwnAvatars } from './own-avatars.ts';
import type { Scheduler } from './scheduler/scheduler.ts';
import type { EncoderSource } from './session/encoder-source.ts';
import { IdleLoops } from './session/idle-loops.ts';
import { SessionRegistry } from './session/registry.ts';
import { encodeAfterSound } from './thread-priorities.ts';
import { processTimers } from './timers.ts';
import { productVersion } from './version.ts';

const ENCODERS: EncoderSource = {
  openVideo: (options) => VideoEncoder.open(options),
  openOpus: (options) => OpusEncoder.open(options),
};
/** Id of the engine that wants more of an avatar than the others. */
const MUSETALK = 'musetalk';
const PAGE_FOLDER = `${import.meta.dirname}/../web`;
/** How many viewers a core carries: the compute budget of a talking session with room to spare. */
const SESSIONS_PER_CORE = 8;
/** From an offer until media flows; the peer gives up earlier by itself. */
const CONNECT_TIMEOUT_MS = 30_000;
/** Part of the shutdown that is kept for closing what the sessions leave behind. */
const CLOSING_MS = 1000;

export interface StartOptions {
  readonly log: Log;
  /** Tried in this order instead of the configured engine and its fallbacks. */
  readonly engines?: readonly EngineChoice[];
  /** Whether one avatar that cannot be used is reason enough not to start. Default false. */
  readonly needsAllAvatars?: boolean;
  /** Whether the preparation of avatars is shown in the terminal. Default false. */
  readonly showsProgress?: boolean;
  /** Instead of the configured port; 0 takes a free one. */
  readonly port?: number;
}

export interface RunningServer {
  /** Where people open the page. */
  readonly url: string;
  readonly port: number;
  readonly metrics: Metrics;
  /** Settles when sessions can begin. @throws {AppError} if no engine can start or no avatar can be prepared. */
  readonly ready: Promise<void>;
  /** Lets sessions finish speaking, then closes everything; within the configured grace. Idempotent. */
  close(): Promise<void>;
}

/**
 * Puts the server together. It listens at once, so that `/ready` can tell how far the avatars are; sessions begin when an
 * engine runs and the avatar that they want is prepared.
 *
 * @throws {AppError} `config_invalid`, `port_unavailable`, `tls_invalid`; nothing is left open then.
 */
export async function startServer(config: Config, options: StartOptions): Promise<RunningServer> {
  const { settings } = config;
  const { log } = options;
  const metrics = new Metrics();
  const musetalkFaces = new MuseTalkFaces({
    models: settings.engine.musetalk,
    isWanted: () => line?.scheduler.spec.id === MUSETALK,
    log,
  });
  const avatars = new AvatarLoading(config.avatars, {
    preparedFolder: settings.media.preparedFolder,
    sizePx: settings.media.avatarSizePx,
    needsAll: options.needsAllAvatars ?? false,
    showsProgress: options.showsProgress ?? false,
    maxMemoryBytes: settings.media.maxMemoryMb * 1e6,
    maxAdded: settings.media.maxAddedAvatars,
    complete: musetalkFaces.complete,
    log,
  });
  let line: SessionLine | null = null;
  let state: 'starting' | 'started' | 'closing' = 'starting';
  const stop = new AbortController();

  const sessions = () => {
    if (line) return line.sessions;
    throw new AppError('not_ready', 'The server is starting; try again in a few seconds.');
  };

  const engines = new EngineSwitch<Scheduler>({
    engines: ENGINE_IDS.map((id) => engineOf(settings.engine, id)),
    start: (engine, onProgress) =>
      startEngine(engine, settings.engine, { onProgress: (_id, progress) => onProgress(progress), log, metrics }),
    prepare: async ({ spec }, onProgress, signal) => {
      const ids = avatars.ready().map(({ id }) => id);
      if (spec.id === MUSETALK) await musetalkFaces.prepareAll(ids, onProgress, signal);
    },
    takeOver: (scheduler) => {
      if (!line) return;
      const { shelf, sessions } = line;
      const inMemory = avatars.ready().flatMap(({ id }) => (avatars.isInMemory(id) ? [avatars.inMemory(id)] : []));
      // Sessions may still show one that has been taken off the list.
      const known = new Map(
        [...sessions.list().map(({ avatar }) => avatar), ...inMemory].map((each) => [each.id, each]),
      );
      for (const avatar of known.values()) scheduler.addAvatar(shelf.withLentClips(avatar));
      sessions.setScheduler(scheduler);
      line = { ...line, scheduler };
    },
    timers: processTimers,
    log,
  });

  /** Most sessions: as configured, or as many as the engine was measured to carry. */
  const capacity = () => line?.sessions.capacity ?? capacityOf(settings);
  const isShown = (id: string) => line?.sessions.list().some(({ avatarId }) => avatarId === id) ?? false;
  const ownAvatars = new OwnAvatars({
    folder: settings.media.ownFolder,
    maxAvatars: settings.media.maxOwnAvatars,
    loading: avatars,
    isShown,
    log,
  });
  const clips = new ClipLibrary();
  const started = Promise.withResolvers<void>();
  // Whoever started the server hears of it through `ready`; a caller that closes before it does not have to.
  started.promise.catch(() => {});
  const connectViewer = viewerConnector({
    peer: { ...peerOptions(settings), metrics },
    microphone: microphoneOptions(settings),
  });

  const opened = openAccess(settings, process.env);
  const app = await openApp(settings, opened, log);
  await serveDocs(app, { version: productVersion() });
  serveSignalling(app, {
    gallery: avatars,
    sessions,
    connectViewer,
    iceServers: iceServers(settings),
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    maxMessageBytes: settings.http.maxMessageBytes,
    maxMessagesPerSecond: settings.limits.maxSignallingMessagesPerSecond,
    log,
  });
  serveFrames(app, {
    gallery: avatars,
    sessions,
    access: opened.access,
    avatarOf: (userId) => avatarOfUser(userId, settings.frameService, avatars),
    limits: settings.frameService,
    maxMessageBytes: settings.frameService.maxMessageBytes,
    maxMessagesPerSecond: settings.frameService.maxMessagesPerSecond,
    metrics,
    log,
  });
  serveAvatars(app, {
    gallery: avatars,
    addAvatar: (avatar) => avatars.add(avatar),
    media: new MediaFolders(settings.media.folders),
    uploadFolder: settings.media.preparedFolder,
    maxUploadBytes: settings.frameService.maxUploadBytes,
    sessions: () => {
      const all = line?.sessions.list() ?? [];
      const own = all.filter(({ owner }) => owner?.door === 'frames').length;
      return { own, all: all.length, capacity: capacity() };
    },
    metrics,
  });
  serveStreamer(app, {
    gallery: avatars,
    addAvatar: (avatar) => avatars.add(avatar),
    media: new MediaFolders(settings.media.folders),
    engineId: () => line?.scheduler.spec.id ?? null,
    whenStarted: () => started.promise,
    sessions,
    openWav: (path) => clips.open(path),
    connectViewer,
    unclaimedMs: settings.limits.unclaimedSessionMs,
    log,
  });
  serveStatus(app, {
    gallery: avatars,
    access: opened.access,
    isPublic: (id) => config.avatars.some((avatar) => avatar.id === id),
    isStarted: () => state === 'started',
    health: () => ({
      engine: line?.scheduler.spec.id ?? null,
      provider: line?.scheduler.report?.provider ?? null,
      weights_are_random: line?.scheduler.report?.models.some(({ weights }) => weights === 'random') ?? false,
      sessions: line?.sessions.size ?? 0,
      capacity: capacity(),
      uptime_s: Math.round(process.uptime()),
      // In the words of the frame service's clients.
      services: { engine: line ? 'ready' : 'loading', avatars: avatars.ready().length > 0 ? 'ready' : 'loading' },
      models_loaded: line !== null,
    }),
    figures: () => metrics.snapshot(),
  });
  serveMetrics(app, metrics, {
    version: productVersion(),
    capacity,
    gallery: avatars,
    sessions: () => line?.sessions.list() ?? [],
    engine: () =>
      line && { ...line.scheduler.spec, waitingMs: line.scheduler.waitingMs, sharing: line.scheduler.sharing },
  });
  serveApi(app, {
    ...opened,
    tokenLifetimeMaxS: settings.access.tokenLifetimeMaxS,
    gallery: avatars,
    ownAvatars,
    maxUploadBytes: settings.media.maxUploadBytes,
    sessions,
    connectViewer,
    iceServers: iceServers(settings),
    engines: () => ({ known: ENGINE_IDS, running: line?.scheduler.spec.id ?? null }),
    models: { ids: ENGINE_IDS, state: () => engines.state(), switchTo: (id) => engines.switchTo(id) },
    figures: () => metrics.snapshot(),
    log,
  });
  const port = await listenOrClose(app, settings.http.host, options.port ?? settings.http.port);

  const start = async () => {
    await encodeAfterSound().catch((error: unknown) => {
      log.warn({ err: error }, 'threads that encode keep their priority; sound may be late where processors are short');
    });
    const onProgress = (id: string, progress: StartProgress) => engines.noteProgress(id, progress);
    const scheduler = await openScheduler(settings.engine, { engines: options.engines, onProgress, log, metrics });
    if (stop.signal.aborted) return scheduler.close();
    engines.begin(scheduler);
    const shelf = new AvatarShelf({
      // A clip that was lent may be given back when its avatar has left the memory.
      announce: (avatar) => avatars.isInMemory(avatar.id) && engines.running?.addAvatar(avatar),
      timers: processTimers,
    });
    line = { scheduler, shelf, sessions: openSessions(settings, { scheduler, shelf, avatars, clips, metrics, log }) };
    const users = {
      isShown,
      onLoaded: (avatar: Avatar) => engines.running?.addAvatar(avatar),
      onUnloaded: (id: string) => engines.running?.removeAvatar(id),
    };
    await avatars.load(users, stop.signal);
    await ownAvatars.open();
    if (state === 'starting') state = 'started';
  };
  start().then(started.resolve, started.reject);

  const shut = async () => {
    state = 'closing';
    stop.abort();
    await ownAvatars.close();
    await line?.sessions.closeAll(Math.max(0, settings.limits.shutdownGraceMs - CLOSING_MS));
    await app.close();
    line?.shelf.close();
    await engines.close();
  };
  let closing: Promise<void> | null = null;
  return {
    url: pageUrl(settings, port),
    port,
    metrics,
    ready: started.promise,
    close: () => {
      closing ??= shut();
      return closing;
    },
  };
}

/** What sessions need; exists as soon as an engine runs. */
interface SessionLine {
  readonly scheduler: Scheduler;
  readonly shelf: AvatarShelf;
  readonly sessions: SessionRegistry;
}

interface SessionNeeds {
  readonly avatars: AvatarLoading;
  readonly clips: ClipLibrary;
  readonly metrics: Metrics;
  readonly log: Log;
}

function openApp(settings: Settings, { access }: OpenedAccess, log: Log): Promise<App> {
  const { host, corsOrigins, trustProxy, tls, maxMessageBytes } = settings.http;
  const { maxConnectionsPerAddress, maxTcpConnectionsPerAddress, maxRequestsPerSecond } = settings.limits;
  return createApp({
    access,
    isForThisMachine: !access.isRequired && isLoopback(host) && !trustProxy,
    maxRequestsPerSecond,
    maxTcpConnectionsPerAddress,
    corsOrigins,
    trustProxy,
    tls,
    maxMessageBytes,
    maxConnectionsPerAddress,
    pageFolder: PAGE_FOLDER,
    log,
  });
}

async function listenOrClose(app: App, host: string, port: number): Promise<number> {
  try {
    return await listen(app, host, port);
  } catch (error) {
    await app.close();
    throw error;
  }
}

function openSessions(
  settings: Settings,
  { scheduler, shelf, avatars, clips, metrics, log }: Omit<SessionLine, 'sessions'> & SessionNeeds,
): SessionRegistry {
  const sessions = new SessionRegistry({
    capacity: capacityOf(settings),
    findAvatar: (id) => avatars.inMemory(id),
    clips: shelf,
    loadClip: (path) => clips.open(path),
    scheduler,
    encoders: ENCODERS,
    loops: new IdleLoops(ENCODERS, settings.video.startBitrateBps, log),
    viewers: {
      ...settings.video,
      widthPx: settings.media.avatarSizePx,
      heightPx: settings.media.avatarSizePx,
      opusBitrateBps: settings.audio.opusBitrateBps,
    },
    computeBudgetMs: settings.engine.computeBudgetMs,
    maxExtraDelayMs: settings.engine.maxExtraDelayMs,
    timers: processTimers,
    metrics,
    log,
  });
  metrics.gauge('sessions', () => sessions.size);
  metrics.gauge('avatars_mb', () => Math.round(avatars.sizeBytes / 1e6));
  metrics.gauge('borrowed_clips_mb', () => Math.round(shelf.sizeBytes / 1e6));
  metrics.gauge('rss_mb', () => Math.round(process.memoryUsage.rss() / 1e6));
  return sessions;
}

function capacityOf({ limits }: Settings): number {
  return limits.maxSessions || SESSIONS_PER_CORE * availableParallelism();
}

function peerOptions(settings: Settings) {
  const { webrtc } = settings;
  return {
    iceServers: iceServers(settings),
    transportPolicy: webrtc.transportPolicy,
    hostAddresses: webrtc.hostAddresses,
    portRange: webrtc.portRange,
    useTcp: webrtc.tcp,
    useIpv6: webrtc.ipv6,
    disconnectTimeoutMs: webrtc.disconnectTimeoutMs,
  };
}

function microphoneOptions({ audio }: Settings) {
  return { minDelayMs: audio.jitterMinMs, maxDelayMs: audio.jitterMaxMs };
}

/** In the form of RTCConfiguration.iceServers, where what is absent is left out. */
function iceServers({ webrtc }: Settings) {
  return webrtc.iceServers.map(({ urls, username, credential }) => ({
    urls,
    ...(username === null ? {} : { username }),
    ...(credential === null ? {} : { credential }),
  }));
}

function pageUrl({ http }: Settings, port: number): string {
  const isAny = http.host === '0.0.0.0' || http.host === '::';
  const host = isAny ? 'localhost' : http.host.includes(':') ? `[${http.host}]` : http.host;
  return `${http.tls ? 'https' : 'http'}://${host}:${port}`;
}
