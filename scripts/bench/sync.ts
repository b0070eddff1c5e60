import { setTimeout as sleep } from 'node:timers/promises';
import { evaluate, type Watched } from './av-offset.ts';
import type { Bench, BenchRun } from './bench.ts';
import { MeasuringBrowser } from './chromium.ts';
import { atMost, within } from './figures.ts';
import { MachineLoad } from './processes.ts';
import { ServerProcess } from './server-process.ts';
import { linearFit, median, percentile } from './statistics.ts';

/** The first seconds do not count: the browser's buffers are finding their size. */
const SETTLE_MS = 3_000;
/** The browser brings sound and picture together in steps, which takes it longer; only what comes after is drift. */
const DRIFT_SETTLE_MS = 15_000;
/** Any will do: sound waits as long as the picture. */
const LOOK_AHEAD_MS = 100;
const LOSS_SHARE = 0.05;

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
    run.figures.add('flash after its second, median', median(calm.flashMediaMs), 'ms', atMost(0));
    // The audio graph's own buffers, which grow with the load of the machine and are not on the way to the loudspeaker.
    run.figures.add('beep later in the audio graph, median', median(calm.beepBehindMs), 'ms');
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

function addOffsets({ figures }: BenchRun, when: string, { offsets, estimatesMs }: Watched): void {
  const early = offsets.map(({ soundEarlyMs }) => soundEarlyMs);
  figures.add(`flashes with sound${when}`, early.length, '');
  figures.add(`sound before picture, median${when}`, median(early), 'ms', within(-20, 20));
  figures.add(`sound before picture, p99${when}`, percentile(early, 0.99), 'ms', atMost(40));
  figures.add(`sound after picture, p99${when}`, -percentile(early, 0.01), 'ms', atMost(60));
  figures.add(`sound before picture, the browser's estimate${when}`, median(estimatesMs), 'ms');
}
