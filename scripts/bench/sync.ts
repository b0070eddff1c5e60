import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, BenchRun } from './bench.ts';
import { MeasuringBrowser, type PageEvents } from './chromium.ts';
import { atMost, within } from './figures.ts';
import { MachineLoad } from './processes.ts';
import { ServerProcess } from './server-process.ts';
import { linearFit, median, percentile } from './statistics.ts';

/** The first seconds do not count: the browser's buffers are finding their size. */
const SETTLE_MS = 3_000;
/** A beep and a flash this close belong together. */
const PAIR_WITHIN_MS = 450;
/** Any will do: sound waits as long as the picture. */
const LOOK_AHEAD_MS = 100;
const LOSS_SHARE = 0.05;

/** How far the picture is behind its sound at one moment; negative when the sound comes after the picture. */
interface Offset {
  readonly atMs: number;
  readonly soundEarlyMs: number;
}

export const sync: Bench = {
  name: 'sync',
  summary: 'how far sound and picture are apart in Chromium, without and with 5 % packet loss, and whether they drift',
  async run(run) {
    const minutes = run.isQuick ? 1 : 10;
    const calm = await watch(run, minutes * 60_000, 0);
    addOffsets(run, '', calm);
    const perMs = linearFit(calm.map(({ atMs, soundEarlyMs }) => [atMs, soundEarlyMs])).slope;
    run.figures.add(`drift over ${minutes} min`, Math.abs(perMs * minutes * 60_000), 'ms', atMost(20));
    addOffsets(run, ' at 5 % loss', await watch(run, run.isQuick ? 30_000 : 120_000, LOSS_SHARE));
  },
};

async function watch(run: BenchRun, durationMs: number, lossShare: number): Promise<Offset[]> {
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
  const offsets = pair(events);
  run.say(
    `${offsets.length} pairs of ${events.beeps.length} beeps and ${events.flashes.length} flashes; ` +
      `browser: ${JSON.stringify(events.counts)}; ${load.describe()}`,
  );
  await browser.close();
  await server.stop();
  return offsets;
}

/** Finds the flash of each beep. */
function pair({ beeps, flashes }: PageEvents): Offset[] {
  return beeps.flatMap((beepMs) => {
    const nearest = flashes.reduce(
      (best, flashMs) => (Math.abs(flashMs - beepMs) < Math.abs(best - beepMs) ? flashMs : best),
      Number.POSITIVE_INFINITY,
    );
    return Math.abs(nearest - beepMs) < PAIR_WITHIN_MS ? [{ atMs: beepMs, soundEarlyMs: nearest - beepMs }] : [];
  });
}

function addOffsets({ figures }: BenchRun, when: string, offsets: readonly Offset[]): void {
  const early = offsets.map(({ soundEarlyMs }) => soundEarlyMs);
  figures.add(`pairs of beep and flash${when}`, early.length, '');
  figures.add(`sound before picture, median${when}`, median(early), 'ms', within(-20, 20));
  figures.add(`sound before picture, p99${when}`, percentile(early, 0.99), 'ms', atMost(40));
  figures.add(`sound after picture, p99${when}`, -percentile(early, 0.01), 'ms', atMost(60));
}
