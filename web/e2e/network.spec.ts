import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, expect, test } from '@playwright/test';
import { TurnServer, withoutTurnServer } from '../../server/testing/turn-server.ts';
import { launchChromium, Tab } from './support/chromium.ts';
import { type Conditions, NarrowPath } from './support/narrow-path.ts';
import { Server } from './support/server.ts';

/** Pictures that say that a path carries: a second of them. */
const ENOUGH_FRAMES = 25;

let browser: Browser;
let folder: string;
/** Without TURN; begins with more than the narrow path carries. */
let server: Server;
/** Closed after each test, last first. */
const closers: (() => unknown)[] = [];

test.beforeAll(async () => {
  browser = await launchChromium();
  folder = await mkdtemp(join(tmpdir(), 'musecast-network-'));
  server = await startServer({ video: { start_bitrate_bps: 1_500_000 } });
});
test.afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
test.afterAll(async () => {
  await browser.close();
  await server.stop();
  await rm(folder, { recursive: true });
});

test('pictures flow when the browser can only be reached through a TURN server', async () => {
  test.skip(withoutTurnServer !== false, String(withoutTurnServer));
  const turn = await startTurn('udp');
  const relaying = await startServer({ webrtc: { ice_servers: turn.iceServers } });
  closers.push(() => relaying.stop());
  const tab = await openTab(relaying, 'relay');
  await tab.talk();
  await tab.untilFrames(ENOUGH_FRAMES);
  expect(await pathOf(tab)).toMatchObject({ local: 'relay' });
});

test('pictures flow when the server only uses a TURN server, over TCP', async () => {
  test.skip(withoutTurnServer !== false, String(withoutTurnServer));
  const turn = await startTurn('tcp');
  const relaying = await startServer({ webrtc: { ice_servers: turn.iceServers, transport_policy: 'relay' } });
  closers.push(() => relaying.stop());
  const tab = await openTab(relaying);
  await tab.talk();
  await tab.untilFrames(ENOUGH_FRAMES);
  expect(await pathOf(tab)).toMatchObject({ remote: 'relay' });
});

test('a viewer without UDP is reached over TCP', async () => {
  const tab = await openTab(server);
  await changeSignalling(tab, {
    sdp: (sdp) => sdp.replace(/^a=candidate:\S+ \d udp .*\r\n/gim, ''),
    takesCandidate: (candidate) => !/ udp /i.test(candidate),
  });
  await tab.page.goto(server.url);
  await tab.talk();
  await tab.untilFrames(ENOUGH_FRAMES);
  expect(await pathOf(tab)).toMatchObject({ protocol: 'tcp' });
});

test('the connection comes about although the last message of the browser’s handshake gets lost', async () => {
  const tab = await openTab(server);
  let lost = 0;
  const loses = (packet: Buffer): boolean => {
    // It comes in one datagram with the change of ciphers (RFC 6347 §4.1, content type 20).
    if (packet[0] !== 20 || lost > 0) return false;
    lost += 1;
    return true;
  };
  await throughNarrowPath(tab, { bitsPerSecond: null, queueMs: 0, lossShare: 0, delayMs: 5, loses });
  await tab.page.goto(server.url);
  await tab.talk();
  await tab.untilFrames(ENOUGH_FRAMES);
  expect(lost).toBe(1);
});

test.describe('a narrow path', () => {
  // Browsers take a machine that is held up by others for a path that is full.
  test.describe.configure({ retries: 1 });

  test('on a path of 400 kbit/s that loses 5 % the bit rate stays below, pictures keep coming, and more is sent when more fits', async () => {
    const bottleneck: Conditions = { bitsPerSecond: 400_000, queueMs: 400, lossShare: 0.05, delayMs: 20 };
    const tab = await openTab(server);
    const { path } = await throughNarrowPath(tab, bottleneck);
    await tab.page.goto(server.url);
    await tab.talk();

    await tab.page.waitForTimeout(6000);
    expect(path().dropped, 'the path was too narrow at first').toBeGreaterThan(0);
    const settled = await watch(tab, path(), 3500);
    expect(settled.dropped).toBe(0);
    expect(settled.bitsPerSecond).toBeLessThan(400_000);
    expect(settled.framesPerSecond).toBeGreaterThan(20);

    path().conditions = { ...bottleneck, bitsPerSecond: null };
    await expect
      .poll(async () => (await watch(tab, path(), 2500)).bitsPerSecond, { timeout: 30_000, intervals: [0] })
      .toBeGreaterThan(settled.bitsPerSecond * 1.1);
  });
});

async function startTurn(protocol: 'udp' | 'tcp'): Promise<TurnServer> {
  const turn = await TurnServer.start({ protocol });
  closers.push(() => turn.stop());
  return turn;
}

async function startServer(settings: object): Promise<Server> {
  const path = join(folder, 'server.yaml');
  // JSON is YAML.
  await writeFile(path, JSON.stringify(settings));
  return Server.start({ settings: path });
}

/** The page, with its connections within reach. @param policy What the page's own candidates may be. */
async function openTab({ url }: Server, policy: 'all' | 'relay' = 'all'): Promise<Tab> {
  const script = `globalThis.peers = [];
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(given) { super({ ...given, iceTransportPolicy: '${policy}' }); peers.push(this); }
    };`;
  const tab = await Tab.open(browser, url, script);
  closers.push(() => tab.page.close());
  return tab;
}

/** Kinds of the two candidates in use, and the protocol between them. */
function pathOf(tab: Tab): Promise<{ local: string; remote: string; protocol: string }> {
  return tab.page.evaluate(`(async () => {
    const stats = await peers.at(-1).getStats();
    const transport = [...stats.values()].find(({ type }) => type === 'transport');
    const pair = stats.get(transport.selectedCandidatePairId);
    const [local, remote] = [stats.get(pair.localCandidateId), stats.get(pair.remoteCandidateId)];
    return { local: local.candidateType, remote: remote.candidateType, protocol: local.protocol };
  })()`);
}

interface Changes {
  sdp(sdp: string, type: 'offer' | 'answer'): string | Promise<string>;
  takesCandidate(candidate: string): boolean;
}

/** Puts itself between the page, from its next loading on, and the server. */
async function changeSignalling(tab: Tab, { sdp, takesCandidate }: Changes): Promise<void> {
  await tab.page.routeWebSocket(/\/ws$/, (page) => {
    const server = page.connectToServer();
    const change = async (text: string): Promise<string | null> => {
      const message = JSON.parse(text);
      if (message.type === 'ice_candidate' && message.candidate && !takesCandidate(message.candidate.candidate)) {
        return null;
      }
      if (typeof message.sdp === 'string') message.sdp = await sdp(message.sdp, message.type);
      return JSON.stringify(message);
    };
    // One after the other, as they came.
    let toServer = Promise.resolve();
    let toPage = Promise.resolve();
    page.onMessage((text) => {
      toServer = toServer.then(async () => {
        const changed = await change(String(text));
        if (changed) server.send(changed);
      });
    });
    server.onMessage((text) => {
      toPage = toPage.then(async () => {
        const changed = await change(String(text));
        if (changed) page.send(changed);
      });
    });
  });
}

/** Lets media flow through a bad path alone. It exists once the server has answered. */
async function throughNarrowPath(tab: Tab, conditions: Conditions): Promise<{ path: () => NarrowPath }> {
  let path: NarrowPath | null = null;
  await changeSignalling(tab, {
    takesCandidate: () => false,
    async sdp(sdp, type) {
      const [, start, address, port] = /^(a=candidate:\S+ 1 udp \d+) (\S+) (\d+) typ host/m.exec(sdp) ?? [];
      const bare = sdp.replace(/^a=(candidate:.*|end-of-candidates)\r\n/gm, '');
      if (type === 'offer') return bare;
      if (!start || !address) throw new Error(`the answer has no UDP candidate:\n${sdp}`);
      const opened = await NarrowPath.open({ address, port: Number(port) }, conditions);
      closers.push(() => opened.close());
      path = opened;
      return bare.replace(/^a=mid:.*\r\n/gm, (line) => `${line}${start} 127.0.0.1 ${opened.port} typ host\r\n`);
    },
  });
  return {
    path: () => {
      if (!path) throw new Error('the server has not answered yet');
      return path;
    },
  };
}

/** What the server sends and the page shows in `durationMs`. */
async function watch(tab: Tab, path: NarrowPath, durationMs: number) {
  const look = async () => {
    const frames = await tab.frames();
    return { atMs: performance.now(), frames, bytes: path.offeredBytes, dropped: path.dropped };
  };
  const before = await look();
  await tab.page.waitForTimeout(durationMs);
  const after = await look();
  const seconds = (after.atMs - before.atMs) / 1000;
  return {
    bitsPerSecond: ((after.bytes - before.bytes) * 8) / seconds,
    framesPerSecond: (after.frames - before.frames) / seconds,
    dropped: after.dropped - before.dropped,
  };
}
