import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@playwright/test';
import { launchChromium } from './support/chromium.ts';
import { Server } from './support/server.ts';
import { toneBursts, writeWav } from './support/sound.ts';

const SECONDS = 75;
/** Flashes that are measured. */
const WANTED = 7;
/** Pictures come every 40 ms; where there is a longer gap the machine has other things to do. */
const HELD_UP_MS = 130;
/** The recording finds its place within this time. */
const SETTLE_MS = 8000;
const ONSETS = join(import.meta.dirname, '../../scripts/bench/page/onset-worklet.js');

/** What the client wrote down (support/streamer-page.js). */
interface Seen {
  readonly pictures: readonly [number, number][];
  readonly beeps: readonly number[];
}

interface Answers {
  readonly started: Readonly<Record<string, unknown>>;
  readonly answer: Readonly<Record<string, unknown>>;
}

let server: Server;
let folder: string;
test.beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'streamer-'));
  await writeWav(join(folder, 'beeps.wav'), toneBursts(1000, 80, 920, SECONDS * 1000));
  const settings = join(folder, 'server.yaml');
  writeFileSync(settings, `log: {file: null}\nmedia: {folders: [avatars, ${folder}]}\n`);
  server = await Server.start({ settings, program: 'web/e2e/support/flash-server.ts' });
});
test.afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

// Browsers take a machine that is held up by others for a slow path, and begin to stretch the picture.
test.describe.configure({ retries: 1 });

test('a client that takes the picture alone and plays the recording itself sees and hears the same moment', async () => {
  test.setTimeout(180_000);
  const browser = await launchChromium();
  const page = await browser.newPage();
  // A page of the client's own at the server's address.
  const clientPage = { body: '<!doctype html><title>client</title>', contentType: 'text/html' };
  await page.route('**/client.html', (route) => route.fulfill(clientPage));
  await page.goto(`${server.url}/client.html`);
  await page.addScriptTag({ path: join(import.meta.dirname, 'support/streamer-page.js') });
  const worklet = readFileSync(ONSETS, 'utf8');
  const { started, answer } = await page.evaluate<Answers>(`streamer.run('beeps.wav', ${JSON.stringify(worklet)})`);
  expect(started).toMatchObject({ status: 'success', session_id: 'flashes', fps: 25 });
  expect(answer.type).toBe('answer');
  expect(await server.sessions()).toBe(1);

  const offsets = await untilMeasured(async () => offsetsOf(await page.evaluate<Seen>('streamer')));
  const said = `sound before picture, ms: median ${median(offsets).toFixed(1)}, all ${offsets.map(Math.round).join(' ')}`;
  console.log(said);
  expect(offsets.length, said).toBe(WANTED);
  expect(Math.abs(median(offsets)), said).toBeLessThan(20);

  await page.evaluate('streamer.leave()');
  await server.untilSessions(0, 1000);
  await browser.close();
});

/** Looks once a second until enough was measured, or the recording is over. */
async function untilMeasured(look: () => Promise<number[]>): Promise<number[]> {
  let offsets: number[] = [];
  const endMs = performance.now() + SECONDS * 1000;
  while (offsets.length < WANTED && performance.now() < endMs) {
    await sleep(1000);
    offsets = (await look()).slice(0, WANTED);
  }
  return offsets;
}

/** How far the picture of each flash is behind its beep, ms: of those in whose last second the machine was not held up. */
function offsetsOf({ pictures, beeps }: Seen): number[] {
  const lights = pictures.map(([, luminance]) => luminance);
  const threshold = (Math.min(...lights) + Math.max(...lights)) / 2;
  const isLight = (at: number) => (lights[at] ?? 0) > threshold;
  const isCalm = (at: number) =>
    pictures.slice(at - 24, at + 1).every(([ms], i, all) => ms - (all[i - 1]?.[0] ?? ms) < HELD_UP_MS);
  const beginMs = (pictures[0]?.[0] ?? 0) + SETTLE_MS;
  return pictures.flatMap(([flashMs], at) => {
    if (flashMs < beginMs || !isLight(at) || isLight(at - 1) || !isCalm(at)) return [];
    const beepMs = beeps.find((each) => Math.abs(each - flashMs) < 450);
    return beepMs === undefined ? [] : [flashMs - beepMs];
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
