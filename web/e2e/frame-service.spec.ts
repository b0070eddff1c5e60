import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, expect, type Page, test } from '@playwright/test';
import { launchChromium } from './support/chromium.ts';
import { Server } from './support/server.ts';
import { speechThenSilence, writeWav } from './support/sound.ts';

const PROBE = join(import.meta.dirname, 'support/frame-probe.js');
const SPEECH_RMS = 0.01;
const SILENCE_RMS = 0.002;

let server: Server;
let browser: Browser;
test.beforeAll(async () => {
  server = await Server.start();
  browser = await launchChromium();
});
test.afterAll(async () => {
  await browser.close();
  await server.stop();
});

/** Opens the page, and takes down what its console complains of. */
async function open(): Promise<{ page: Page; complaints: string[] }> {
  // Small, because without a graphics card the drawing costs more than the decoding.
  const page = await browser.newPage({ viewport: { width: 480, height: 480 } });
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.addInitScript({ path: PROBE });
  await page.goto(`${server.url}/frame-service.html`);
  return { page, complaints };
}

async function connect(page: Page): Promise<void> {
  await page.locator('#connect:enabled').click();
  await expect(page.locator('html')).toHaveAttribute('data-state', 'live', { timeout: 15_000 });
  await expect(page.locator('.has-picture')).toBeVisible({ timeout: 15_000 });
}

const figure = async (page: Page, label: string) => Number(await page.evaluate(`frameProbe.figure('${label}')`));

test('WebCodecs decodes every picture without an error: idle, speaking, an action, idle again', async () => {
  const { page } = await open();
  // Decoded when all have come, so that it does not matter how busy the machine is.
  const result = await page.evaluate<{
    pictures: number;
    decoded: number;
    sizes: string[];
    errors: string[];
    actions: number;
  }>(
    `(async () => {
      const { FrameClient } = await import('/src/frame-client.js');
      const { codecOf } = await import('/src/frame-player.js');
      const pictures = [];
      const url = location.origin.replace('http', 'ws') + '/musetalk/v1/ws/sam';
      const client = await FrameClient.connect(url, {}, { onPicture: (picture) => pictures.push(picture) });
      const until = async (isSo) => { while (!pictures.some(isSo)) await new Promise((resolve) => setTimeout(resolve, 20)); };
      const tone = Int16Array.from({ length: 16000 }, (_, n) => 9000 * Math.sin(n / 12) * Math.sin(n / 900));
      client.sendSound(tone, { state: 'speaking', baseVideo: 'speaking_0' });
      await until(({ audioMs }) => audioMs >= 900);
      await client.act(1);
      await until(({ action }) => action?.progress === 1);
      const end = pictures.at(-1).timestampMs + 1000;
      await until(({ timestampMs }) => timestampMs >= end);
      await client.close();
      const errors = [];
      const sizes = new Set();
      let decoded = 0;
      const decoder = new VideoDecoder({
        output: (frame) => { decoded += 1; sizes.add(frame.displayWidth + 'x' + frame.displayHeight); frame.close(); },
        error: (error) => errors.push(error.message),
      });
      decoder.configure({ codec: codecOf(pictures[0].data) });
      for (const { data, timestampMs, isKeyFrame } of pictures) {
        decoder.decode(new EncodedVideoChunk({ type: isKeyFrame ? 'key' : 'delta', timestamp: timestampMs * 1000, data }));
      }
      await decoder.flush();
      return {
        pictures: pictures.length, decoded, sizes: [...sizes], errors, actions: pictures.filter(({ action }) => action).length,
      };
    })()`,
  );
  expect(result.errors).toEqual([]);
  expect(result.decoded).toBe(result.pictures);
  expect(result.sizes).toEqual(['512x512']);
  expect(result.actions).toBe(40);
  await page.close();
});

for (const form of ['base64', 'binary'] as const) {
  test(`the mouth moves with the sound that is heard (${form})`, async () => {
    const wav = test.info().outputPath('speech.wav');
    const once = await speechThenSilence('sam/hello.wav', 1600, 1600);
    const twice = new Float32Array(once.length * 2);
    twice.set(once);
    twice.set(once, once.length);
    await writeWav(wav, twice);
    const { page, complaints } = await open();
    await page.locator('#avatar-sam').check();
    await page.locator('#binary').setChecked(form === 'binary');
    await connect(page);
    await page.locator('#file').setInputFiles(wav);
    const seen = await page.evaluate<{ atMs: number; motion: number; loudness: number }[]>('frameProbe.watch(7500)');
    expect(await figure(page, 'Decoder failures')).toBe(0);

    const speaking = seen.filter(({ loudness }) => loudness > SPEECH_RMS);
    const lastSpeechMs = (atMs: number) =>
      Math.max(...seen.filter((look) => look.atMs <= atMs && look.loudness > SPEECH_RMS).map((look) => look.atMs));
    const resting = seen.filter(({ atMs, loudness }) => {
      const sinceMs = atMs - lastSpeechMs(atMs);
      return loudness < SILENCE_RMS && sinceMs > 400 && sinceMs < 1200;
    });
    await test.info().attach('seen', { body: JSON.stringify(seen), contentType: 'application/json' });
    expect(speaking.length).toBeGreaterThan(25);
    expect(resting.length).toBeGreaterThan(8);
    expect(mean(speaking)).toBeGreaterThan(1.8 * mean(resting));
    expect(complaints).toEqual([]);
    await page.close();
    await server.untilSessions(0, 5000);
  });
}

test('clips and actions are shown without a break, and leaving ends the session', async () => {
  const { page, complaints } = await open();
  await connect(page);
  const before = await figure(page, 'Pictures');
  await page.getByRole('button', { name: 'speaking 0' }).click();
  await expect(page.getByRole('button', { name: 'speaking 0' })).toHaveAttribute('aria-pressed', 'true');
  await page.getByRole('button', { name: 'action 1' }).click();
  await expect.poll(() => figure(page, 'Pictures'), { timeout: 10_000 }).toBeGreaterThan(before + 75);
  expect(await figure(page, 'Decoder failures')).toBe(0);
  await page.getByRole('button', { name: 'Leave' }).click();
  await server.untilSessions(0, 5000);
  await expect(page.locator('#connect')).toHaveText('Connect');
  expect(complaints).toEqual([]);
  await page.close();
});

test('the microphone is heard by the avatar', async () => {
  const { page, complaints } = await open();
  await connect(page);
  await page.getByRole('button', { name: 'Microphone' }).click();
  await expect(page.getByRole('button', { name: 'Microphone' })).toHaveAttribute('aria-pressed', 'true');
  // The fake microphone beeps once a second.
  await expect.poll(() => page.evaluate("frameProbe.figure('Sound to picture')"), { timeout: 10_000 }).toMatch(/ms/);
  expect(complaints).toEqual([]);
  await page.close();
});

test('a file that holds no sound has a message of its own, and the session goes on', async () => {
  const path = test.info().outputPath('no-sound.wav');
  await writeFile(path, 'this is a text');
  const { page } = await open();
  await connect(page);
  await page.locator('#file').setInputFiles(path);
  await expect(page.getByRole('status')).toContainText('no sound that the browser can read');
  const before = await figure(page, 'Pictures');
  await expect.poll(() => figure(page, 'Pictures')).toBeGreaterThan(before + 10);
  await page.close();
});

test('a server that stops is told, and the page can connect to it again', async () => {
  const own = await Server.start();
  const page = await browser.newPage();
  await page.goto(`${own.url}/frame-service.html`);
  await connect(page);
  await own.stop();
  await expect(page.locator('html')).toHaveAttribute('data-state', 'failed', { timeout: 10_000 });
  const again = await Server.start({ port: own.port });
  await connect(page);
  await page.close();
  await again.stop();
});

function mean(looks: { motion: number }[]): number {
  return looks.reduce((sum, { motion }) => sum + motion, 0) / looks.length;
}
