import {
  listOf,
  mapOf,
  nullOr,
  oneOf,
  type Rule,
  secret,
  section,
  single,
  text,
  type ValueOf,
  wholeNumber,
  yesOrNo,
} from './rule.ts';

const path = (preset?: string) => text('a path', preset);
/** Who a client of the frame service says it is. */
const USER = /^[A-Za-z0-9_-]{1,64}$/;
const urls = single(
  'a stun:, stuns:, turn: or turns: address, or a list of such',
  undefined,
  (value): value is string | string[] => {
    const list = Array.isArray(value) ? value : [value];
    return list.length > 0 && list.every((each) => typeof each === 'string' && /^(stun|turn)s?:\S+$/.test(each));
  },
);
const iceServer = section({
  urls,
  username: nullOr(text('a text')),
  credential: nullOr(text('a text')),
});
const provider = oneOf(['cuda', 'webgpu', 'coreml', 'dml', 'cpu']);
const apiKey = section({
  id: text('a name of letters, digits, - and _', undefined, /^[\w-]{1,64}$/),
  sha256: secret('64 hexadecimal digits, as `npm run api-key` prints them', /^[0-9a-f]{64}$/),
  scope: oneOf(['view', 'speak', 'admin']),
  maxSessions: nullOr(wholeNumber(0, 10_000)),
  maxRequestsPerSecond: nullOr(wholeNumber(1, 100_000)),
});
/** What a file of API keys holds: the same list as `access.keys`. */
export const KEYS = listOf('a list of API keys', apiKey);
const portRange: Rule<readonly [number, number]> = single(
  'two ports [min, max] from 1024 to 65535, min below max',
  undefined,
  (value): value is [number, number] =>
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((port) => Number.isInteger(port) && port >= 1024 && port <= 65_535) &&
    value[0] < value[1],
);

/**
 * Every setting of the server with its range and default; `configs/server.yaml` is the same list for people, and a
 * test compares the two. Paths are relative to the directory that the server was started in.
 */
export const SETTINGS = section({
  log: section({
    level: oneOf(['trace', 'debug', 'info', 'warn', 'error'], 'info'),
    file: nullOr(path(), 'musetalk_webrtc.log'),
  }),
  http: section({
    host: text('a host name or IP address', 'localhost'),
    port: wholeNumber(0, 65_535, 8080),
    corsOrigins: listOf(
      'a list of origins such as https://example.org, or of "*"',
      text('an origin such as https://example.org, or "*"', undefined, /^(\*|https?:\/\/[^/\s]+)$/),
      [],
    ),
    trustProxy: yesOrNo(false),
    tls: nullOr(section({ key: path(), certificate: path() })),
    maxMessageBytes: wholeNumber(4096, 1_048_576, 262_144),
  }),
  access: section({
    required: nullOr(yesOrNo()),
    keys: listOf('a list of API keys', apiKey, []),
    keysFile: nullOr(path()),
    tokenSecret: nullOr(secret('a text of 32 characters or more', /^.{32,}$/s)),
    tokenLifetimeMaxS: wholeNumber(10, 2_592_000, 3600),
  }),
  webrtc: section({
    iceServers: listOf('a list of STUN and TURN servers', iceServer, []),
    transportPolicy: oneOf(['all', 'relay'], 'all'),
    hostAddresses: listOf('a list of IP addresses', text('an IP address'), []),
    portRange: nullOr(portRange),
    tcp: yesOrNo(true),
    ipv6: yesOrNo(false),
    disconnectTimeoutMs: wholeNumber(1000, 120_000, 12_000),
  }),
  limits: section({
    maxSessions: wholeNumber(0, 10_000, 0),
    maxConnectionsPerAddress: wholeNumber(1, 100_000, 64),
    maxTcpConnectionsPerAddress: wholeNumber(8, 1_000_000, 256),
    maxRequestsPerSecond: wholeNumber(1, 100_000, 100),
    maxSignallingMessagesPerSecond: wholeNumber(1, 10_000, 50),
    unclaimedSessionMs: wholeNumber(1000, 3_600_000, 60_000),
    shutdownGraceMs: wholeNumber(0, 60_000, 4000),
  }),
  engine: section({
    id: text('the id of an engine', 'embedded'),
    fallbacks: listOf('a list of engine ids', text('the id of an engine'), ['static']),
    workers: wholeNumber(0, 256, 0),
    computeBudgetMs: multipleOf(5, 10, 1000, 20),
    maxExtraDelayMs: multipleOf(20, 0, 40, 40),
    musetalk: section({
      modelsFolder: path('models/musetalk'),
      decoder: oneOf(['full', 'fast'], 'full'),
      executionProviders: nullOr(listOf('a list out of cuda, webgpu, coreml, dml, cpu', provider)),
      threads: wholeNumber(0, 256, 0),
      remoteUrl: nullOr(
        text('an address such as http://gpu.example.org:8000', undefined, /^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/),
      ),
    }),
  }),
  video: section({
    startBitrateBps: wholeNumber(50_000, 20_000_000, 600_000),
    minBitrateBps: wholeNumber(50_000, 20_000_000, 150_000),
    maxBitrateBps: wholeNumber(50_000, 20_000_000, 2_500_000),
    keyFrameIntervalMinMs: wholeNumber(0, 10_000, 500),
  }),
  audio: section({
    opusBitrateBps: wholeNumber(6000, 256_000, 32_000),
    jitterMinMs: wholeNumber(0, 360, 6),
    jitterMaxMs: wholeNumber(40, 400, 200),
  }),
  frameService: section({
    users: mapOf('names of users with ids of avatars', USER, text('the id of an avatar')),
    defaultAvatar: nullOr(text('the id of an avatar')),
    initTimeoutMs: wholeNumber(100, 120_000, 10_000),
    idleTimeoutMs: wholeNumber(1000, 86_400_000, 300_000),
    pingIntervalMs: wholeNumber(100, 600_000, 30_000),
    maxMessageBytes: wholeNumber(4096, 1_048_576, 65_536),
    maxMessagesPerSecond: wholeNumber(1, 10_000, 200),
    maxQueuedAudioMs: wholeNumber(1000, 60_000, 10_000),
    computeBudgetMs: multipleOf(5, 10, 1000, 10),
    sendBufferBytes: wholeNumber(65_536, 16_777_216, 262_144),
    maxUploadBytes: wholeNumber(1_000_000, 1_073_741_824, 100_000_000),
  }),
  media: section({
    folders: listOf('a list of folders', path(), ['avatars']),
    preparedFolder: path('avatars'),
    avatarSizePx: multipleOf(8, 256, 1080, 512),
    maxMemoryMb: wholeNumber(0, 1_000_000, 700),
    maxAddedAvatars: wholeNumber(0, 1000, 4),
    ownFolder: path('own-avatars'),
    maxOwnAvatars: wholeNumber(0, 1000, 20),
    maxUploadBytes: wholeNumber(1_000_000, 1_073_741_824, 100_000_000),
  }),
});

export type Settings = ValueOf<typeof SETTINGS>;

/** Mistakes that only show when two settings are seen together. */
export function contradictions(settings: Settings): string[] {
  const { video, audio, webrtc, access } = settings;
  const mistakes: string[] = [];
  if (!(video.minBitrateBps <= video.startBitrateBps && video.startBitrateBps <= video.maxBitrateBps)) {
    mistakes.push(
      `video.start_bitrate_bps must lie between min_bitrate_bps and max_bitrate_bps, got ${video.startBitrateBps} outside ${video.minBitrateBps} to ${video.maxBitrateBps}`,
    );
  }
  if (audio.jitterMinMs > audio.jitterMaxMs - 40) {
    mistakes.push(
      `audio.jitter_min_ms must be at least 40 below audio.jitter_max_ms, got ${audio.jitterMinMs} and ${audio.jitterMaxMs}`,
    );
  }
  if (webrtc.transportPolicy === 'relay' && !hasRelay(webrtc.iceServers)) {
    mistakes.push(
      'webrtc.transport_policy relay needs a turn: or turns: server with username and credential in webrtc.ice_servers, got none',
    );
  }
  if (settings.engine.musetalk.executionProviders?.length === 0) {
    mistakes.push('engine.musetalk.execution_providers must name at least one, or be null for all, got []');
  }
  const ids = access.keys.map(({ id }) => id);
  for (const id of new Set(ids.filter((each, index) => ids.indexOf(each) !== index))) {
    mistakes.push(`access.keys must have different ids, got ${id} twice`);
  }
  return mistakes;
}

function hasRelay(servers: Settings['webrtc']['iceServers']): boolean {
  return servers.some(
    ({ urls, username, credential }) => username && credential && [urls].flat().some((url) => url.startsWith('turn')),
  );
}

function multipleOf(step: number, min: number, max: number, preset: number): Rule<number> {
  return single(
    `a multiple of ${step} from ${min} to ${max}`,
    preset,
    (value): value is number => typeof value === 'number' && value % step === 0 && value >= min && value <= max,
  );
}
