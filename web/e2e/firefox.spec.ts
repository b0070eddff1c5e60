import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { type Browser, launch, type Page } from 'puppeteer-core';
import { findBrowser } from '../../scripts/find-browsers.ts';
import { Server } from './support/server.ts';

/** Inbound figures of one medium, as RTCStats name them. */
interface Inbound {
  readonly kind: 'audio' | 'video';
  readonly framesDecoded?: number;
  readonly totalAudioEnergy?: number;
  readonly mimeType?: string;
}

let server: Server;
let browser: Browser;
test.beforeAll(async () => {
  server = await Server.start();
  browser = await launch({
    browser: 'firefox',
    protocol: 'webDriverBiDi',
    executablePath: findBrowser('firefox'),
    headless: true,
    extraPrefsFirefox: {
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      'media.autoplay.default': 0,
      'network.captive-portal-service.enabled': false,
    },
  });
});
test.afterAll(async () => {
  await browser.close();
  await server.stop();
});

test('Firefox sees and hears the avatar, and hides its addresses while connecting', async () => {
  const complaints: string[] = [];
  const page = await browser.newPage();
  page.on('console', (message) => {
    if (['error', 'warn'].includes(message.type())) complaints.push(message.text());
  });
  await keepPeers(page);
  await page.evaluateOnNewDocument(await readFile(join(import.meta.dirname, 'support/probe.js'), 'utf8'));
  await page.goto(server.url);
  await page.locator('#talk:enabled').click();
  await page.waitForSelector('[data-state="live"] .has-picture', { timeout: 20_000 });

  const before = await inbound(page);
  const decoded = (reports: Inbound[]) => reports.find(({ kind }) => kind === 'video')?.framesDecoded ?? 0;
  await expect
    .poll(async () => decoded(await inbound(page)), { timeout: 10_000 })
    .toBeGreaterThan(decoded(before) + 40);
  const after = await inbound(page);
  expect(after.find(({ kind }) => kind === 'video')?.mimeType).toBe('video/VP8');
  const energy = (reports: Inbound[]) => reports.find(({ kind }) => kind === 'audio')?.totalAudioEnergy ?? 0;
  expect(energy(after)).toBeGreaterThan(energy(before));
  expect((await page.evaluate("probe.distanceTo('sam')")) as number).toBeLessThan(
    ((await page.evaluate("probe.distanceTo('anna')")) as number) / 2,
  );
  expect(complaints).toEqual([]);

  await page.close();
  await server.untilSessions(0, 1000);
});

/** Keeps the page's connections within reach of the test, which the page itself does not. */
async function keepPeers(page: Page): Promise<void> {
  await page.evaluateOnNewDocument(`
    globalThis.peers = [];
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...given) { super(...given); peers.push(this); }
    };`);
}

async function inbound(page: Page): Promise<Inbound[]> {
  const reports = await page.evaluate(`(async () => {
    const report = await peers.at(-1).getStats();
    return [...report.values()].filter(({ type }) => type === 'inbound-rtp').map((entry) => ({
      kind: entry.kind, framesDecoded: entry.framesDecoded, totalAudioEnergy: entry.totalAudioEnergy,
      mimeType: report.get(entry.codecId)?.mimeType,
    }));
  })()`);
  return reports as Inbound[];
}
