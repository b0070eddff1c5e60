import { setTimeout as sleep } from 'node:timers/promises';
import { SAMPLE_RATE_HZ } from '../../server/audio/pcm.ts';
import { VIDEO_CLOCK_HZ } from '../../server/codecs/packet.ts';
import type { Bench, BenchRun } from './bench.ts';
import { MeasuringBrowser, type PageEvents } from './chromium.ts';
import { atMost, within } from './figures.ts';
import { MachineLoad } from './processes.ts';
import { type RtpOrigins, ServerProcess } from './server-process.ts';
import { linearFit, median, percentile } from './statistics.ts';

/** The first seconds do not count: the browser's buffers are finding their size. */
const SETTLE_MS = 3_000;
/** The packet of sound that plays nearest to a flash is at most this far away, else sound was missing there. */
const NEAREST_SOUND_MS = 100;
/** A beep and a flash this close belong together. */
const PAIR_WITHIN_MS = 450;
/** The browser brings sound and picture together in steps, which takes it longer; only what comes after is drift. */
const DRIFT_SETTLE_MS = 15_000;
/** Any will do: sound waits as long as the picture. */
const LOOK_AHEAD_MS = 100;
const LOSS_SHARE = 0.05;

/** How far the picture is behind its sound at one moment; negative when the sound comes after the picture. */
interface Offset {
  readonly atMs: number;
  readonly soundEarlyMs: number;
}

interface Watched {
  readonly offsets: readonly Offset[];
  /** Media time of each flash within its second, ms: 0 if pictures bear the right time stamps. */
  readonly flashMediaMs: readonly number[];
  /** From when the browser says that a beep's time stamp is played to when the beep is heard in the audio graph, ms. */
  readonly beepBehindMs: readonly number[];
}

/**
 * Flashes and beeps lie at whole seconds of media time. A flash is seen when its picture is on the screen, and its sound is
 * heard when the browser plays the time stamp of that second, plus the latency of the audio device. That is more exact than
 * the audio graph, whose buffers for remote sound add some 10 to 40 ms, which differ from run to run; the graph only proves
 * that the beeps are where their time stamps say.
 */
export const sync: Bench = {
  name: 'sync',
  summary: 'how far sound and picture are apart in Chromium, without and with 5 % packet loss, and whether they drift',
  async run(run) {
    const minutes = run.isQuick ? 1 : 10;
    const calm = await watch(run, minutes * 60_000, 0);
    addOffsets(run, '', calm);
    const settled = calm.offsets.filter(({ atMs }) => atMs > calm.offsets[0].atMs + DRIFT_SETTLE_MS);
    const perMs = linearFit(settled.map(({ atMs, soundEarlyMs }) => [atMs, soundEarlyMs])).slope;
    run.figures.add(`drift over ${minutes} min`, Math.abs(perMs * minutes * 60_000), 'ms', atMost(20));
    run.figures.add('flash after its second, largest', percentile(calm.flashMediaMs, 1), 'ms', atMost(0));
    run.figures.add('beep behind its time stamp, median', median(calm.beepBehindMs), 'ms', within(0, 60));
    addOffsets(run, ' at 5 % loss', await watch(run, run.isQuick ? 30_000 : 120_000, LOSS_SHARE));
  },
};

async function watch(run: BenchRun, durationMs: number, lossShare: number): Promise<Watched> {
  const server = await ServerProcess.start(run, {
    setup: { flash: { lookAheadMs: LOOK_AHEAD_MS }, plays: 'beeps', lossShare },
  });
  const browser = await MeasuringBrowser.open(null);
  run.atEnd(() => browser.close());
  await browser.connect(server.url, await server.square(), { hasMicrophone: false });
  await sleep(SETTLE_MS);
  await browser.take();
  const load = new MachineLoad();
  run.say(`watching for ${durationMs / 1000} s with ${lossShare * 100} % loss`);
  await sleep(durationMs);
  const events = await browser.take();
  const watched = evaluate(events, await server.rtpOrigins());
  run.say(
    `${watched.offsets.length} of ${events.flashes.length} flashes with sound, ${events.beeps.length} beeps; ` +
      `browser: ${JSON.stringify(events.counts)}; ${load.describe()}`,
  );
  await browser.close();
  await server.stop();
  return watched;
}

function evaluate({ flashes, beeps, sounds }: PageEvents, origins: RtpOrigins): Watched {
  const heard = sounds.map(({ atMs, rtpTimestamp }) => ({
    atMs,
    mediaMs: ((rtpTimestamp - origins.audio) >>> 0) / (SAMPLE_RATE_HZ / 1000),
  }));
  const seen = flashes.map(({ atMs, rtpTimestamp }) => ({
    atMs,
    mediaMs: ((rtpTimestamp - origins.video) >>> 0) / (VIDEO_CLOCK_HZ / 1000),
  }));
  const pairs = seen.flatMap(({ atMs, mediaMs }) => {
    const sound = nearest(heard, (each) => each.mediaMs - mediaMs, NEAREST_SOUND_MS);
    return sound ? [{ atMs, heardMs: sound.atMs + mediaMs - sound.mediaMs }] : [];
  });
  return {
    offsets: pairs.map(({ atMs, heardMs }) => ({ atMs, soundEarlyMs: atMs - heardMs })),
    flashMediaMs: seen.map(({ mediaMs }) => mediaMs % 1000),
    beepBehindMs: beeps.flatMap((beepMs) => {
      const pair = nearest(pairs, ({ heardMs }) => heardMs - beepMs, PAIR_WITHIN_MS);
      return pair ? [beepMs - pair.heardMs] : [];
    }),
  };
}

/** Of `list`, the one with the smallest distance, if that is below `limit`. */
function nearest<T>(list: readonly T[], distance: (each: T) => number, limit: number): T | null {
  let best: T | null = null;
  let bestDistance = limit;
  for (const each of list) {
    if (Math.abs(distance(each)) >= bestDistance) continue;
    best = each;
    bestDistance = Math.abs(distance(each));
  }
  return best;
}

function addOffsets({ figures }: BenchRun, when: string, { offsets }: Watched): void {
  const early = offsets.map(({ soundEarlyMs }) => soundEarlyMs);
  figures.add(`flashes with sound${when}`, early.length, '');
  figures.add(`sound before picture, median${when}`, median(early), 'ms', within(-20, 20));
  figures.add(`sound before picture, p99${when}`, percentile(early, 0.99), 'ms', atMost(40));
  figures.add(`sound after picture, p99${when}`, -percentile(early, 0.01), 'ms', atMost(60));
}
