import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import { FileServer } from '../../testing/file-server.ts';
import { downloadFile } from './download.ts';
import type { ManifestFile } from './manifest.ts';

/** 300 kB that differ everywhere. */
const CONTENT = Buffer.from(Uint32Array.from({ length: 75_000 }, (_, i) => Math.imul(i, 2_654_435_761)).buffer);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const PATH = 'musetalkV15/unet.pth';

async function rig(t: TestContext, facts: Partial<ManifestFile> = {}, stallMs = 5000) {
  const server = await FileServer.open(t);
  server.files.set(`/${PATH}`, CONTENT);
  const folder = await mkdtemp(join(tmpdir(), 'fetch-'));
  t.after(() => rm(folder, { recursive: true }));
  return { folder, ...rigAt(server, join(folder, 'unet.pth'), facts, stallMs) };
}

function rigAt(server: FileServer, target: string, facts: Partial<ManifestFile> = {}, stallMs = 5000) {
  const url = `${server.url}/${PATH}`;
  const file: ManifestFile = {
    path: PATH,
    url,
    licence: 'MuseTalk',
    sizeBytes: CONTENT.length,
    plausibleBytes: [1, 1_000_000],
    sha256: SHA256,
    ...facts,
  };
  const waits: number[] = [];
  const abort = new AbortController();
  const progress: [number, number | null][] = [];
  const options = {
    onProgress: (have: number, total: number | null) => {
      progress.push([have, total]);
    },
    wait: async (ms: number) => {
      waits.push(ms);
    },
    signal: abort.signal,
    stallMs,
  };
  return {
    server,
    target,
    waits,
    abort,
    progress,
    file,
    options,
    fetch: () => downloadFile(url, file, target, options),
  };
}

/** Settles when so many bytes of a file are written. */
async function partOf(target: string, sizeBytes: number): Promise<void> {
  while ((await stat(`${target}.part`).catch(() => ({ size: 0 }))).size < sizeBytes) await immediate();
}

test('a file comes whole, is checked, and leaves nothing beside it', async (t) => {
  const { fetch, target, folder, progress } = await rig(t);
  assert.equal(await fetch(), SHA256);
  assert.deepEqual(await readFile(target), CONTENT);
  assert.deepEqual(await readdir(folder), ['unet.pth']);
  assert.deepEqual(progress.at(-1), [CONTENT.length, CONTENT.length]);
});

test('a connection that breaks off is taken up again where it broke off', async (t) => {
  const { fetch, server, target, waits } = await rig(t);
  server.moods.push({ kind: 'silent', afterBytes: 100_000 }, { kind: 'silent', afterBytes: 50_000 });
  const fetching = fetch();
  await partOf(target, 100_000);
  server.breakOff();
  await partOf(target, 150_000);
  server.breakOff();
  await fetching;
  assert.deepEqual(await readFile(target), CONTENT);
  assert.deepEqual(server.requests, [`/${PATH}`, `/${PATH} bytes=100000-`, `/${PATH} bytes=150000-`]);
  assert.equal(waits.length, 2);
});

test('what an earlier run left is gone on with', async (t) => {
  const { fetch, server, target, abort } = await rig(t);
  server.moods.push({ kind: 'silent', afterBytes: 200_000 });
  const first = fetch();
  await partOf(target, 200_000);
  abort.abort(new Error('stopped'));
  await assert.rejects(first, /stopped/);
  await rigAt(server, target).fetch();
  assert.match(server.requests[1], /bytes=200000-/);
  assert.deepEqual(await readFile(target), CONTENT);
});

test('a file that changed in between is fetched anew, not joined from two halves', async (t) => {
  const { fetch, server, target } = await rig(t, { sha256: null });
  server.moods.push({ kind: 'silent', afterBytes: 100_000 });
  const fetching = fetch();
  await partOf(target, 100_000);
  const other = Buffer.from(CONTENT).reverse();
  server.etag = '"second"';
  server.files.set(`/${PATH}`, other);
  server.breakOff();
  await fetching;
  assert.deepEqual(server.requests, [`/${PATH}`, `/${PATH} bytes=100000-`]);
  assert.deepEqual(await readFile(target), other);
});

test('a server without ranges starts over', async (t) => {
  const { fetch, server, target } = await rig(t);
  server.moods.push({ kind: 'silent', afterBytes: 100_000 }, { kind: 'no-ranges' });
  const fetching = fetch();
  await partOf(target, 100_000);
  server.breakOff();
  await fetching;
  assert.deepEqual(await readFile(target), CONTENT);
});

test('a server that falls silent is asked again', async (t) => {
  const { fetch, server, target } = await rig(t, {}, 100);
  server.moods.push({ kind: 'silent', afterBytes: 1000 });
  await fetch();
  assert.deepEqual(await readFile(target), CONTENT);
  assert.equal(server.requests.length, 2);
});

test('a busy server is asked again when it says, but not later than in two minutes', async (t) => {
  const { fetch, server, waits } = await rig(t);
  server.moods.push(
    { kind: 'status', status: 503 },
    { kind: 'status', status: 429, headers: { 'retry-after': '7' } },
    { kind: 'status', status: 503, headers: { 'retry-after': '86400' } },
  );
  await fetch();
  assert.deepEqual(waits, [2000, 7000, 120_000]);
});

test('five attempts that bring nothing are enough, and the message says so', async (t) => {
  const { fetch, server } = await rig(t);
  for (let i = 0; i < 9; i++) server.moods.push({ kind: 'status', status: 500 });
  await assert.rejects(fetch, {
    code: 'fetch_failed',
    message: /unet\.pth: it answered 500; gave up after 5 attempts\. Run it again to go on\.$/,
  });
  assert.equal(server.requests.length, 5);
});

test('a file that is not there, and a web page in its place, are told at once', async (t) => {
  const { fetch, server, folder } = await rig(t);
  server.moods.push({ kind: 'status', status: 404 }, { kind: 'web-page' });
  await assert.rejects(fetch, /unet\.pth must be there \(200\), it answered 404\.$/);
  await assert.rejects(fetch, /must be a file, it answered with a web page\. Fetch it with a browser\.$/);
  assert.equal(server.requests.length, 2);
  assert.deepEqual(await readdir(folder), []);
});

test('a wrong checksum is told with both, and the file does not appear', async (t) => {
  const { fetch, target } = await rig(t, { sha256: '0'.repeat(64) });
  await assert.rejects(fetch, { message: new RegExp(`must have SHA-256 0{64}, got ${SHA256}\\.$`) });
  assert.equal(existsSync(target), false);
  assert.equal(existsSync(`${target}.part`), false);
});

test('a wrong length is refused before it is downloaded', async (t) => {
  const { fetch, server, progress } = await rig(t);
  server.moods.push({ kind: 'lying', announcedBytes: 400_000 });
  await assert.rejects(fetch, /must have 300000 bytes, got 400000\.$/);
  assert.deepEqual(progress, []);
});

test('an implausible length is refused where the exact one is not known', async (t) => {
  const { fetch } = await rig(t, { sizeBytes: null, plausibleBytes: [1_000_000, 2_000_000] });
  await assert.rejects(fetch, /must have 1000000 to 2000000 bytes \(the exact size is not known\), got 300000\.$/);
});

test('a server that does not tell the length is believed up to the most that makes sense', async (t) => {
  const fine = await rig(t, { sizeBytes: null });
  fine.server.moods.push({ kind: 'unknown-length' });
  assert.equal(await fine.fetch(), SHA256);
  const endless = await rig(t, { sizeBytes: null, plausibleBytes: [1, 50_000] });
  endless.server.moods.push({ kind: 'unknown-length' });
  await assert.rejects(endless.fetch, /must have at most 50000 bytes, got more\.$/);
});

test('a part that is already whole is checked and taken, without another byte', async (t) => {
  const { fetch, server, target, abort } = await rig(t);
  server.moods.push({ kind: 'silent', afterBytes: CONTENT.length - 1 });
  const fetching = fetch();
  await partOf(target, CONTENT.length - 1);
  abort.abort(new Error('stopped'));
  await assert.rejects(fetching, /stopped/);
  await appendFile(`${target}.part`, CONTENT.subarray(-1));
  await rigAt(server, target).fetch();
  assert.deepEqual(server.requests, [`/${PATH}`, `/${PATH} bytes=300000-`]);
  assert.deepEqual(await readFile(target), CONTENT);
});

test('whoever stops a fetch while it waits for another try hears the reason of the stop', async (t) => {
  const { server, target, abort } = await rig(t);
  server.moods.push({ kind: 'status', status: 503 });
  const wait = async () => {
    abort.abort(new Error('stopped by the user'));
    throw new Error('The operation was aborted');
  };
  const { file, options } = rigAt(server, target);
  await assert.rejects(
    downloadFile(file.url, file, target, { ...options, wait, signal: abort.signal }),
    /stopped by the user/,
  );
  assert.equal(server.requests.length, 1);
});
