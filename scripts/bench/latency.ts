import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OpusDecoder } from '../../server/codecs/opus-decoder.ts';
import { engineSpec } from '../../server/engines/registry.ts';
import { beepWav } from './beeps.ts';
import type { Bench, BenchRun } from './bench.ts';
import { MeasuringBrowser } from './chromium.ts';
import { Clients } from './clients.ts';
import { atMost } from './figures.ts';
import { MachineLoad } from './processes.ts';
import { ServerProcess } from './server-process.ts';
import { measure } from './server-window.ts';
import { median, percentile } from './statistics.ts';
import { Viewer } from './viewer.ts';

const TALKERS = 4;
const SETTLE_MS = 3_000;
/** Beeps of the fake microphone; no multiple of a frame, so that they meet the frames in every phase. */
const BEEP_EVERY_MS = 1_013;
/** A flash this long after a beep of the microphone is its echo. */
const ECHO_WITHIN_MS = 900;
/** Time between a tone's beginning and its interrupt, so that it is heard and seen. */
const TONE_MS = 1_500;
/** After an interrupt, everything that still comes has come by then. */
const AFTER_MS = 700;
/** Peak above which a packet is not silent, after decoding. */
const AUDIBLE = 0.01;

export const latency: Bench = {
  name: 'latency',
  summary: 'how long a voice takes to the screen, inside the server and as a whole, and how fast an interrupt works',
  async run(run) {
    const { features } = await engineSpec({ id: 'embedded', moduleUrl: null });
    await insideServer(run, features.lookAheadMs);
    await microphoneToScreen(run, features.lookAheadMs);
    await interrupts(run, features.lookAheadMs);
  },
};

/** From sound arriving to the picture that shows it sent, with a few talkers and the engine as shipped. */
async function insideServer(run: BenchRun, lookAheadMs: number): Promise<void> {
  const server = await ServerProcess.start(run);
  const clients = new Clients();
  run.atEnd(() => clients.stop());
  await clients.open(server.url, TALKERS, { voice: 'speech' });
  await sleep(SETTLE_MS);
  const { spread, load } = await measure(server, run.isQuick ? 5_000 : 30_000);
  run.say(`${TALKERS} talking, look-ahead ${lookAheadMs} ms: ${load}`);
  const { p50, p95 } = spread('arrival_to_sent_ms');
  run.figures.add('sound in to picture sent, median', p50 || Number.NaN, 'ms');
  run.figures.add('sound in to picture sent, p95', p95 || Number.NaN, 'ms', atMost(lookAheadMs + 80));
  await clients.stop();
  await server.stop();
}

/** From the browser's microphone to its screen, over loopback, with an engine that shows what it hears. */
async function microphoneToScreen(run: BenchRun, lookAheadMs: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'musecast-bench-'));
  run.atEnd(async () => rmSync(folder, { recursive: true, force: true }));
  const wav = join(folder, 'beeps.wav');
  writeFileSync(wav, beepWav(20, BEEP_EVERY_MS));
  const server = await ServerProcess.start(run, { setup: { flash: { lookAheadMs } } });
  const browser = await MeasuringBrowser.open(wav);
  run.atEnd(() => browser.close());
  await browser.connect(server.url, await server.square(), { hasMicrophone: true });
  await sleep(SETTLE_MS);
  await browser.take();
  const load = new MachineLoad();
  await sleep(run.isQuick ? 15_000 : 60_000);
  const { microphone, flashes, beeps, counts } = await browser.take();
  const toScreenMs = echoes(
    microphone,
    flashes.map(({ atMs }) => atMs),
  );
  const toEarMs = echoes(microphone, beeps);
  run.say(
    `${microphone.length} beeps said, ${toEarMs.length} heard, ${toScreenMs.length} seen; ` +
      `browser: ${JSON.stringify(counts)}; ${load.describe()}`,
  );
  run.figures.add('microphone to screen, median', median(toScreenMs), 'ms', atMost(300));
  run.figures.add('microphone to screen, p95', percentile(toScreenMs, 0.95), 'ms');
  run.figures.add('microphone to ear, median', median(toEarMs), 'ms');
  await interruptOnScreen(run, server, browser);
  await browser.close();
  await server.stop();
}

/** Time from each beginning to the first echo after it. */
function echoes(startsMs: readonly number[], echoesMs: readonly number[]): number[] {
  return startsMs.flatMap((startMs) => {
    const echoMs = echoesMs.find((at) => at > startMs);
    return echoMs !== undefined && echoMs - startMs < ECHO_WITHIN_MS ? [echoMs - startMs] : [];
  });
}

/** From an interrupt sent by the page to the closed mouth on its screen. */
async function interruptOnScreen(run: BenchRun, server: ServerProcess, browser: MeasuringBrowser): Promise<void> {
  await browser.mute();
  const closedMs: number[] = [];
  for (let i = 0; i < (run.isQuick ? 3 : 12); i += 1) {
    await server.playTone();
    await sleep(TONE_MS);
    await browser.take();
    const saidMs = await browser.say({ type: 'interrupt' });
    await sleep(AFTER_MS);
    const { darks } = await browser.take();
    const closed = darks.find(({ atMs }) => atMs > saidMs);
    if (closed !== undefined) closedMs.push(closed.atMs - saidMs);
  }
  run.say(`${closedMs.length} interrupts seen`);
  run.figures.add('interrupt to closed mouth on the screen, longest', Math.max(...closedMs), 'ms', atMost(200));
}

/** From an interrupt to the last packet of sound that is not silent. */
async function interrupts(run: BenchRun, lookAheadMs: number): Promise<void> {
  const server = await ServerProcess.start(run, { setup: { flash: { lookAheadMs } } });
  const decoder = await OpusDecoder.open();
  let lastAudibleMs = Number.NEGATIVE_INFINITY;
  const viewer = await Viewer.connect(server.url, {
    onSound: ({ payload, arrivedMs }) => {
      if (decoder.decode(payload).some((sample) => Math.abs(sample) > AUDIBLE)) lastAudibleMs = arrivedMs;
    },
  });
  run.atEnd(() => viewer.close());
  const afterMs: number[] = [];
  for (let i = 0; i < (run.isQuick ? 3 : 12); i += 1) {
    await server.playTone();
    await sleep(TONE_MS);
    const saidMs = performance.now();
    if (saidMs - lastAudibleMs > 100) throw new Error('the tone is not heard before the interrupt');
    viewer.say({ type: 'interrupt' });
    await sleep(AFTER_MS);
    afterMs.push(Math.max(0, lastAudibleMs - saidMs));
  }
  run.figures.add('interrupt to last sound sent, longest', Math.max(...afterMs), 'ms', atMost(60));
  await viewer.close();
  await decoder.close();
  await server.stop();
}
