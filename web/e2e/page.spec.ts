import { writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { type Browser, expect, test } from '@playwright/test';
import { launchChromium, Tab } from './support/chromium.ts';
import { Server } from './support/server.ts';

/** RMS of the page's sound that counts as something to hear. */
const AUDIBLE_RMS = 0.005;

/** Keeps the page's connections within reach of the test, and lets them pretend that their path is broken. */
const KEEP_PEERS = `globalThis.peers = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    #pretended;
    constructor(...given) { super(...given); peers.push(this); }
    get iceConnectionState() { return this.#pretended ?? super.iceConnectionState; }
    get connectionState() { return this.#pretended ?? super.connectionState; }
    pretend(state) { this.#pretended = state; this.dispatchEvent(new Event('iceconnectionstatechange')); }
  };`;

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

test('the page names its avatars, shows their portraits and says what to do', async () => {
  const tab = await Tab.open(browser, server.url);
  await tab.untilState('idle');
  const faces = tab.page.getByRole('group', { name: 'Choose a face' }).getByRole('radio');
  expect(await faces.count()).toBeGreaterThanOrEqual(2);
  await expect(tab.page.getByRole('heading', { level: 1 })).toHaveText('Sam');
  await expect(tab.page.getByRole('button', { name: 'Talk with Sam' })).toBeEnabled();
  await faces.first().focus();
  await tab.page.keyboard.press('ArrowRight');
  await expect(tab.page.getByRole('heading', { level: 1 })).toHaveText('Anna');
  await expect(tab.page.locator('#portrait')).toHaveJSProperty('naturalWidth', 512);
  expect(tab.complaints).toEqual([]);
  await tab.page.close();
});

test('everything that the page asks for comes from its own server', async () => {
  const tab = await Tab.open(browser, 'about:blank');
  const foreign: string[] = [];
  tab.page.on('request', (request) => {
    if (!request.url().startsWith(server.url)) foreign.push(request.url());
  });
  await tab.page.goto(server.url);
  await tab.talk();
  expect(foreign).toEqual([]);
  await tab.page.close();
});

test('a sample is spoken and heard without a microphone, and an interrupt silences it', async () => {
  const tab = await Tab.open(browser, server.url);
  await tab.untilState('idle');
  await tab.page.locator('#chips button').first().click();
  await tab.untilLive();
  await expect(tab.page.locator('#video')).toHaveJSProperty('muted', false);
  await expect.poll(() => tab.loudness(), { timeout: 8000 }).toBeGreaterThan(AUDIBLE_RMS);
  await tab.page.locator('#interrupt').click();
  await expect.poll(() => tab.loudness(), { timeout: 1500 }).toBeLessThan(AUDIBLE_RMS / 5);
  await expect(tab.page.locator('#interrupt')).toBeHidden();
  await tab.page.waitForTimeout(1200);
  expect(await tab.loudness()).toBeLessThan(AUDIBLE_RMS / 5);
  expect(tab.complaints).toEqual([]);
  await tab.page.close();
});

test('with an open microphone the avatar is silent until it is asked to be heard', async () => {
  const tab = await Tab.open(browser, server.url);
  await tab.talk();
  await expect(tab.page.locator('#video')).toHaveJSProperty('muted', true);
  await tab.page.getByRole('switch', { name: 'Hear Sam' }).click();
  await expect(tab.page.locator('#video')).toHaveJSProperty('muted', false);
  await expect(tab.page.locator('#hint')).toContainText('headphones');
  await tab.page.close();
});

test('another face takes over in the running call', async () => {
  const tab = await Tab.open(browser, server.url);
  await tab.choose('sam');
  await tab.talk();
  await tab.choose('anna');
  await expect
    .poll(async () => (await tab.distanceTo('anna')) < (await tab.distanceTo('sam')) / 2, { timeout: 5000 })
    .toBe(true);
  await tab.untilState('live');
  expect(tab.complaints).toEqual([]);
  await tab.page.close();
});

test('a change of network is followed by an ICE restart, and the call goes on over the new path', async () => {
  const tab = await Tab.open(browser, server.url, KEEP_PEERS);
  await tab.talk();
  const before = await iceUser(tab);
  await tab.page.evaluate("dispatchEvent(new Event('online'))");
  await expect.poll(() => iceUser(tab), { timeout: 5000 }).not.toBe(before);
  await tab.untilFrames(50);
  await tab.untilState('live', 0);
  expect(await tab.page.evaluate('peers.length')).toBe(1);
  expect(tab.complaints).toEqual([]);
  await tab.page.close();
});

test('a call whose path breaks says so, restarts ICE, and goes on once there is a path again', async () => {
  const tab = await Tab.open(browser, server.url, KEEP_PEERS);
  await tab.talk();
  const before = await iceUser(tab);
  await tab.page.evaluate("peers[0].pretend('disconnected')");
  await tab.untilState('reconnecting');
  await expect.poll(() => iceUser(tab), { timeout: 5000 }).not.toBe(before);
  await tab.page.evaluate('peers[0].pretend(undefined)');
  await tab.untilState('live');
  await tab.untilFrames(10);
  expect(await tab.page.evaluate('peers.length')).toBe(1);
  await tab.page.close();
});

test('after a crash of the server the conversation goes on with the same avatar', async () => {
  const own = await Server.start();
  const tab = await Tab.open(browser, own.url);
  await tab.choose('anna');
  await tab.talk();
  await own.kill();
  await tab.untilState('reconnecting');
  const again = await Server.start({ port: own.port });
  await tab.untilState('live', 20_000);
  await tab.untilFrames(10);
  await expect(tab.page.getByRole('heading', { level: 1 })).toHaveText('Anna');
  expect(await tab.distanceTo('anna')).toBeLessThan((await tab.distanceTo('sam')) / 2);
  await tab.page.close();
  await again.stop();
});

test('a full server says so, and lets the next one in when a place is free', async () => {
  const info = test.info();
  const settings = info.outputPath('server.yaml');
  await writeFile(settings, 'limits:\n  max_sessions: 1\n');
  const small = await Server.start({ settings });
  const first = await Tab.open(browser, small.url);
  await first.talk();
  const second = await Tab.open(browser, small.url);
  await second.page.locator('#talk:enabled').click();
  await second.untilState('full');
  await expect(second.page.locator('#countdown')).toContainText('Trying again');
  await first.page.close();
  await second.untilState('live', 20_000);
  await second.page.close();
  await small.stop();
});

test('a denied microphone has a message of its own, and samples still work', async () => {
  const asking = await launchChromium({ permission: 'ask' });
  const tab = await Tab.open(asking, server.url);
  await tab.page.locator('#talk:enabled').click();
  await tab.untilState('microphone-refused');
  await expect(tab.page.getByRole('status')).toContainText('The microphone is blocked');
  await tab.page.locator('#chips button').first().click();
  await tab.untilLive();
  expect(tab.complaints).toEqual([]);
  await asking.close();
});

test('a machine without a microphone has a message of its own', async () => {
  const tab = await Tab.open(
    browser,
    server.url,
    "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('none', 'NotFoundError'); };",
  );
  await tab.page.locator('#talk:enabled').click();
  await tab.untilState('microphone-missing');
  await expect(tab.page.getByRole('status')).toContainText('No microphone was found');
  await tab.page.close();
});

test('a page that is not secure says why there is no microphone', async () => {
  const address = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
  test.skip(address === undefined, 'this machine has no address besides localhost');
  const settings = test.info().outputPath('open.yaml');
  await writeFile(settings, 'access: {required: false}\n');
  const open = await Server.start({ host: '0.0.0.0', settings });
  const tab = await Tab.open(browser, `http://${address}:${open.port}`);
  await tab.page.locator('#talk:enabled').click();
  await tab.untilState('insecure');
  await expect(tab.page.getByRole('status')).toContainText('https');
  await tab.page.close();
  await open.stop();
});

test('a browser without WebRTC is told so', async () => {
  const tab = await Tab.open(browser, server.url, 'delete globalThis.RTCPeerConnection;');
  await tab.untilState('unsupported');
  await expect(tab.page.locator('#talk')).toBeDisabled();
  await tab.page.close();
});

/** ICE user name of the path that media takes in the page's last call. */
function iceUser(tab: Tab): Promise<string> {
  return tab.page.evaluate(`(async () => {
    const report = await peers.at(-1).getStats();
    const transport = [...report.values()].find(({ type }) => type === 'transport');
    return report.get(report.get(transport.selectedCandidatePairId).localCandidateId).usernameFragment;
  })()`);
}
