import { chromium, expect, test } from '@playwright/test';
import { chromiumLaunch, launchChromium, Tab } from './support/chromium.ts';
import { Server } from './support/server.ts';

/** How soon a session must be free after its tab was closed, and after its browser vanished. */
const AT_ONCE_MS = 1000;
const VANISHED_MS = 15_000;

let server: Server;
test.beforeAll(async () => {
  server = await Server.start();
});
test.afterAll(() => server.stop());

test('two tabs with different avatars get their own face and their own sound', async () => {
  const browser = await launchChromium();
  const sam = await Tab.open(browser, server.url, microphoneTone(440));
  const anna = await Tab.open(browser, server.url, microphoneTone(880));
  await sam.choose('sam');
  await anna.choose('anna');
  await sam.talk();
  await anna.talk();
  expect(await server.sessions()).toBe(2);

  const [samTone, annaTone] = await Promise.all([sam.tone(2500), anna.tone(2500)]);
  expect(Math.abs(samTone.frequencyHz - 440)).toBeLessThan(12);
  expect(Math.abs(annaTone.frequencyHz - 880)).toBeLessThan(12);
  await sam.page.bringToFront();
  expect(await sam.distanceTo('sam')).toBeLessThan((await sam.distanceTo('anna')) / 2);
  await anna.page.bringToFront();
  expect(await anna.distanceTo('anna')).toBeLessThan((await anna.distanceTo('sam')) / 2);
  expect([...sam.complaints, ...anna.complaints]).toEqual([]);
  await browser.close();
  await server.untilSessions(0, AT_ONCE_MS);
});

test('closing a tab frees its session at once and leaves the other tab alone', async () => {
  const browser = await launchChromium();
  const staying = await Tab.open(browser, server.url);
  const leaving = await Tab.open(browser, server.url);
  await staying.talk();
  await leaving.talk();
  await leaving.page.close();
  await server.untilSessions(1, AT_ONCE_MS);
  await staying.page.bringToFront();
  await staying.untilFrames(25);
  await browser.close();
});

test('leaving the conversation frees the session at once', async () => {
  const browser = await launchChromium();
  const tab = await Tab.open(browser, server.url);
  await tab.talk();
  await tab.page.locator('#talk').click();
  await tab.untilState('idle');
  await server.untilSessions(0, AT_ONCE_MS);
  expect(tab.complaints).toEqual([]);
  await browser.close();
});

test('a browser that stops without a word loses its session within 15 s', async () => {
  const host = await chromium.launchServer(chromiumLaunch());
  const browser = await chromium.connect(host.wsEndpoint());
  const tab = await Tab.open(browser, server.url);
  await tab.talk();
  const pid = host.process().pid;
  if (pid === undefined) throw new Error('the browser has no process');
  // The whole group is frozen: its sockets stay open, and nothing comes from them any more.
  process.kill(-pid, 'SIGSTOP');
  try {
    await server.untilSessions(0, VANISHED_MS);
  } finally {
    process.kill(-pid, 'SIGCONT');
    await host.kill();
  }
});

test('a browser that is killed loses its session within 15 s', async () => {
  const host = await chromium.launchServer(chromiumLaunch());
  const browser = await chromium.connect(host.wsEndpoint());
  const tab = await Tab.open(browser, server.url);
  await tab.talk();
  await host.kill();
  await server.untilSessions(0, VANISHED_MS);
});

/** Lets the page's microphone give bursts of a tone: each tab its own, which the browser's fake device cannot. */
function microphoneTone(frequencyHz: number): string {
  return `navigator.mediaDevices.getUserMedia = async () => {
    const context = new AudioContext();
    const tone = new OscillatorNode(context, { frequency: ${frequencyHz} });
    const volume = new GainNode(context, { gain: 0.3 });
    const out = new MediaStreamAudioDestinationNode(context);
    tone.connect(volume).connect(out);
    tone.start();
    return out.stream;
  };`;
}
