/** The program of server-process.ts: the same server as server/main.ts starts, which also answers the bench's questions. */
import { Socket } from 'node:dgram';
import { type Avatar, FRAME_GEOMETRY } from '../../server/avatars/avatar.ts';
import { VIDEO_CLOCK_HZ } from '../../server/codecs/packet.ts';
import { readCommandLine } from '../../server/config/command-line.ts';
import { loadConfig } from '../../server/config/config.ts';
import { openLog } from '../../server/log.ts';
import { Scheduler } from '../../server/scheduler/scheduler.ts';
import { SessionRegistry } from '../../server/session/registry.ts';
import type { Session } from '../../server/session/session.ts';
import { startServer } from '../../server/start-server.ts';
import { stopOnSignals } from '../../server/stop-on-signals.ts';
import { RtpClock } from '../../server/transports/sender-reports.ts';
import { BeepSource, ToneSource } from './beeps.ts';
import type { Square } from './chromium.ts';
import type { Resources, RtpOrigins, ServerQuestion, ServerSetup } from './server-process.ts';

/** Crop coordinates of the middle of the part of a flash that the page looks at, and its side. */
const LOOKED_AT = { u: 64, v: 64, size: 40 };
const LOSS_SEED = 20_240_501;

const setup = JSON.parse(process.env.SERVER_SETUP ?? '') as ServerSetup;
const live = new Set<Session>();
const rtpOrigins = { audio: Number.NaN, video: Number.NaN };
let firstAvatar: Avatar | null = null;

watchSessions();
watchAvatars();
watchRtp();
if (setup.lossShare > 0) loseMedia(setup.lossShare);

const config = loadConfig(readCommandLine(process.argv.slice(2)), process.cwd());
const log = openLog(config.settings.log);
const flashModule = new URL('../../server/testing/flash-engine.ts', import.meta.url);
if (setup.flash) flashModule.searchParams.set('lookAheadMs', String(setup.flash.lookAheadMs));
const engines = setup.flash ? [{ id: 'flash', moduleUrl: flashModule.href }] : undefined;
const server = await startServer(config, { log, engines });
stopOnSignals(server, config.settings.limits.shutdownGraceMs, log);

process.on('message', ({ id, question }: { id: number; question: ServerQuestion }) => {
  answer(question).then(
    (result) => process.send?.({ id, answer: result }),
    (error) => process.send?.({ id, error: String(error) }),
  );
});
// The bench has gone.
process.on('disconnect', () => process.exit());

async function answer({ name }: ServerQuestion): Promise<Square | RtpOrigins | Resources | null> {
  switch (name) {
    case 'square':
      return square();
    case 'rtp_origins':
      return rtpOrigins;
    case 'reset_histograms':
      server.metrics.resetHistograms();
      return null;
    case 'resources':
      return resources();
    case 'play_tone':
      for (const session of live) session.play('tone', new ToneSource());
      return null;
  }
}

/** The part of a flash that the page looks at, in pixels of the first picture. */
function square(): Square {
  if (!firstAvatar) throw new TypeError('no avatar is loaded');
  const geometry = new Float32Array(firstAvatar.clips[0].geometry);
  const a = geometry[FRAME_GEOMETRY.A];
  const b = geometry[FRAME_GEOMETRY.B];
  const sizePx = LOOKED_AT.size * Math.hypot(a, b);
  return {
    x: a * LOOKED_AT.u - b * LOOKED_AT.v + geometry[FRAME_GEOMETRY.TX] - sizePx / 2,
    y: b * LOOKED_AT.u + a * LOOKED_AT.v + geometry[FRAME_GEOMETRY.TY] - sizePx / 2,
    sizePx,
  };
}

function resources(): Resources {
  globalThis.gc?.();
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function watchSessions(): void {
  const create = SessionRegistry.prototype.create;
  SessionRegistry.prototype.create = function (...args) {
    const session = create.apply(this, args);
    live.add(session);
    session.onClosed(() => live.delete(session));
    if (setup.plays === 'beeps') session.play('beeps', new BeepSource());
    return session;
  };
}

function watchAvatars(): void {
  const addAvatar = Scheduler.prototype.addAvatar;
  Scheduler.prototype.addAvatar = function (avatar) {
    firstAvatar ??= avatar;
    addAvatar.call(this, avatar);
  };
}

function watchRtp(): void {
  const stamp = RtpClock.prototype.stamp;
  RtpClock.prototype.stamp = function (ticks) {
    const rtpTimestamp = stamp.call(this, ticks);
    if (ticks > 0) {
      const rateHz = (ticks * 1000) / this.mediaMs(rtpTimestamp);
      rtpOrigins[Math.abs(rateHz - VIDEO_CLOCK_HZ) < 1 ? 'video' : 'audio'] = rtpTimestamp - ticks;
    }
    return rtpTimestamp;
  };
}

/** Loses that share of the RTP and RTCP packets, sent and received; what sets the connection up gets through. */
function loseMedia(share: number): void {
  const random = randomNumbers(LOSS_SEED);
  const isLost = (data: unknown): boolean => data instanceof Uint8Array && isMedia(data) && random() < share;
  const { send, emit } = Socket.prototype;
  Socket.prototype.send = function (...args: unknown[]) {
    if (!isLost(args[0])) Reflect.apply(send, this, args);
    else for (const callback of args) if (typeof callback === 'function') process.nextTick(callback);
  };
  Socket.prototype.emit = function (...args: unknown[]) {
    return args[0] === 'message' && isLost(args[1]) ? true : Reflect.apply(emit, this, args);
  };
}

/** First bytes of SRTP and SRTCP (RFC 7983 §7). */
function isMedia(data: Uint8Array): boolean {
  return data[0] >= 128 && data[0] <= 191;
}

/** Numbers from 0 to 1 that are the same in every run (a linear congruential generator). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
