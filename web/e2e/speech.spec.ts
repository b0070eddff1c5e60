import { expect, test } from '@playwright/test';
import { launchChromium, Tab } from './support/chromium.ts';
import { Server } from './support/server.ts';
import { speechThenSilence, toneBursts, writeWav } from './support/sound.ts';

const SPEECH_MS = 1600;
const SILENCE_MS = 1600;
/** RMS above which the page's sound counts as speech, and below which as silence. */
const SPEECH_RMS = 0.01;
const SILENCE_RMS = 0.002;

let server: Server;
test.beforeAll(async () => {
  server = await Server.start();
});
test.afterAll(() => server.stop());

test('a tone that is spoken comes back at its frequency', async () => {
  const info = test.info();
  const microphoneWav = info.outputPath('tone.wav');
  await writeWav(microphoneWav, toneBursts(660, 250, 350, 6000));
  const browser = await launchChromium({ microphoneWav });
  const tab = await Tab.open(browser, server.url);
  await tab.talk();
  const { frequencyHz, level } = await tab.tone(3000);
  expect(level).toBeGreaterThan(-60);
  expect(Math.abs(frequencyHz - 660)).toBeLessThan(12);
  expect(tab.complaints).toEqual([]);
  await browser.close();
});

test('the mouth moves while there is speech and rests within 300 ms of silence', async () => {
  const info = test.info();
  const microphoneWav = info.outputPath('speech.wav');
  await writeWav(microphoneWav, await speechThenSilence('sam/hello.wav', SPEECH_MS, SILENCE_MS));
  const browser = await launchChromium({ microphoneWav });
  const tab = await Tab.open(browser, server.url);
  await tab.talk();
  await tab.page.waitForTimeout(1000);
  const seen = await tab.watch(9000);
  await browser.close();

  const lastSpeechMs = (atMs: number) =>
    Math.max(...seen.filter((f) => f.atMs <= atMs && f.loudness > SPEECH_RMS).map((f) => f.atMs));
  const speaking = seen.filter(({ loudness }) => loudness > SPEECH_RMS);
  const resting = seen.filter(({ atMs, loudness }) => {
    const sinceMs = atMs - lastSpeechMs(atMs);
    return loudness < SILENCE_RMS && sinceMs > 300 && sinceMs < 1200;
  });
  expect(speaking.length).toBeGreaterThan(50);
  expect(resting.length).toBeGreaterThan(25);
  await info.attach('motion', { body: JSON.stringify(seen), contentType: 'application/json' });
  expect(mean(speaking)).toBeGreaterThan(2 * mean(resting));
  // Resting, only the head moves a little: no picture jumps like a mouth that speaks.
  expect(Math.max(...resting.map(({ motion }) => motion))).toBeLessThan(mean(speaking));
  expect(tab.complaints).toEqual([]);
});

function mean(frames: { motion: number }[]): number {
  return frames.reduce((sum, { motion }) => sum + motion, 0) / frames.length;
}
