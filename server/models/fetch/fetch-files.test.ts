import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FileServer } from '../../testing/file-server.ts';
import { carryOutFetch, readFetchOrder } from './fetch-command.ts';
import { fetchFiles, missingFiles, type Origin } from './fetch-files.ts';
import type { Manifest } from './manifest.ts';
import { MUSETALK_MANIFEST } from './musetalk-manifest.ts';

const CALM = { signal: new AbortController().signal, stallMs: 5000, wait: async () => {}, onProgress: () => {} };

function contentOf(path: string): Buffer {
  return Buffer.from(`this is ${path}, in small`);
}

/** The real names and addresses' paths, with the sizes and checksums of small files. */
async function rig(t: TestContext) {
  const server = await FileServer.open(t);
  const manifest: Manifest = {
    ...MUSETALK_MANIFEST,
    files: MUSETALK_MANIFEST.files.map((file) => {
      const content = contentOf(file.path);
      server.files.set(`/publisher/${file.path}`, content);
      server.files.set(`/mirror/${file.path}`, content);
      const sha256 = file.sha256 && createHash('sha256').update(content).digest('hex');
      const url = `${server.url}/publisher/${file.path}`;
      return { ...file, url, sha256, sizeBytes: content.length, plausibleBytes: [1, 100] as const };
    }),
  };
  const folder = await mkdtemp(join(tmpdir(), 'originals-'));
  t.after(() => rm(folder, { recursive: true }));
  const fetch = (origin: Origin = { kind: 'publishers' }, withOptional = false) =>
    fetchFiles({ ...CALM, manifest, folder, origin, withOptional });
  return { server, manifest, folder, fetch };
}

test('all files come under the names that the converter looks for, the optional ones when asked', async (t) => {
  const { fetch, folder, manifest } = await rig(t);
  assert.equal(missingFiles(manifest, folder).length, 8);
  const fetched = await fetch();
  assert.deepEqual(
    fetched.map(({ path }) => path),
    manifest.files.filter((file) => !file.isOptional).map(({ path }) => path),
  );
  assert.deepEqual(missingFiles(manifest, folder), []);
  assert.equal(existsSync(join(folder, 'dwpose')), false);
  assert.equal((await fetch(undefined, true)).at(-1)?.path, 'dwpose/dw-ll_ucoco_384.onnx');
});

test('which checksums are not known is told', async (t) => {
  const { fetch } = await rig(t);
  const verified = (await fetch(undefined, true)).filter(({ isVerified }) => isVerified).map(({ path }) => path);
  assert.deepEqual(verified, ['musetalkV15/unet.pth', 'dwpose/dw-ll_ucoco_384.onnx']);
});

test('files that are there and right stay; a wrong one is fetched again', async (t) => {
  const { fetch, folder, server } = await rig(t);
  await fetch();
  const before = server.requests.length;
  await writeFile(join(folder, 'musetalkV15/unet.pth'), Buffer.alloc(contentOf('musetalkV15/unet.pth').length));
  const again = await fetch();
  assert.deepEqual(
    again.filter(({ outcome }) => outcome === 'fetched').map(({ path }) => path),
    ['musetalkV15/unet.pth'],
  );
  assert.deepEqual(server.requests.slice(before), ['/publisher/musetalkV15/unet.pth']);
  assert.deepEqual(await readFile(join(folder, 'musetalkV15/unet.pth')), contentOf('musetalkV15/unet.pth'));
});

test('a mirror is asked instead of the publishers', async (t) => {
  const { fetch, server } = await rig(t);
  await fetch({ kind: 'mirror', url: `${server.url}/mirror/` });
  assert.ok(server.requests.every((request) => request.startsWith('/mirror/')));
});

test('a folder serves machines without internet, and is checked as well', async (t) => {
  const { fetch, folder, manifest, server } = await rig(t);
  const path = await mkdtemp(join(tmpdir(), 'offline-'));
  t.after(() => rm(path, { recursive: true }));
  for (const file of manifest.files) {
    await mkdir(dirname(join(path, file.path)), { recursive: true });
    await writeFile(join(path, file.path), contentOf(file.path));
  }
  await fetch({ kind: 'folder', path });
  assert.deepEqual(server.requests, []);
  await rm(join(folder, 'musetalkV15/unet.pth'));
  await writeFile(join(path, 'musetalkV15/unet.pth'), Buffer.alloc(contentOf('musetalkV15/unet.pth').length));
  await assert.rejects(
    fetch({ kind: 'folder', path }),
    /unet\.pth must have SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}\.$/,
  );
  await rm(join(path, 'musetalkV15/unet.pth'));
  await assert.rejects(fetch({ kind: 'folder', path }), /unet\.pth does not exist; the folder must have the layout/);
});

test('a disk that is too small is told before anything is fetched', async (t) => {
  const { manifest, folder, server } = await rig(t);
  const origin = { kind: 'publishers' } as const;
  const fetch = () =>
    fetchFiles({ ...CALM, manifest, folder, origin, withOptional: false, freeBytes: async () => 200e6 });
  await assert.rejects(fetch, { code: 'fetch_failed', message: /must have 0\.3 GB free, got 0\.2 GB\. Make room/ });
  assert.deepEqual(server.requests, []);
});

test('two at once do not write to the same parts', async (t) => {
  const { fetch, folder } = await rig(t);
  const outcomes = await Promise.allSettled([fetch(), fetch()]);
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const refused = outcomes.find((outcome) => outcome.status === 'rejected');
  assert.match(String(refused?.reason), /is being fetched to already\. If that is not so, delete .*\.fetching\.$/);
  assert.equal(existsSync(join(folder, '.fetching')), false);
});

test('licences are shown and asked for, and without consent nothing is fetched', async (t) => {
  const { manifest, folder, server } = await rig(t);
  const order = readFetchOrder(['musetalk', '--to', folder], { musetalk: manifest });
  const said: string[] = [];
  const say = (text: string): void => {
    said.push(text);
  };
  const terminal = { say, ask: null };
  await assert.rejects(carryOutFetch(order, terminal, CALM), { code: 'refused', message: /add --accept-licence\.$/ });
  assert.match(said.join(''), /MuseTalk: .*OpenRAIL.*\n\s+https:\/\/huggingface\.co\/TMElyralab\/MuseTalk/);
  assert.doesNotMatch(said.join(''), /DWPose/);
  await assert.rejects(carryOutFetch(order, { ...terminal, ask: async () => false }, CALM), { code: 'refused' });
  assert.deepEqual(server.requests, []);
  await carryOutFetch(order, { ...terminal, ask: async () => true }, CALM);
  assert.match(said.at(-2) ?? '', /fetched: musetalkV15\/unet\.pth \(checksum right\)/);
  assert.match(said.at(-2) ?? '', /fetched: whisper\/pytorch_model\.bin \(no checksum is known; it is [0-9a-f]{64}\)/);
  assert.match(said.at(-1) ?? '', /All 8 files are in .*scripts\/export\/convert\.py/);
});

test('arguments that make no sense are refused with the usage', () => {
  const read = (...args: string[]) => readFetchOrder(args, { musetalk: MUSETALK_MANIFEST });
  const refused: [string[], RegExp][] = [
    [[], /one name is needed out of musetalk, got none/],
    [['wav2lip'], /got wav2lip/],
    [['toString'], /got toString/],
    [['musetalk', '--mirror', 'ftp://x'], /--mirror must be an http address, got ftp:\/\/x/],
    [['musetalk', '--mirror', 'http://x', '--from', 'y'], /exclude each other/],
    [['musetalk', '--fast'], /--fast/],
  ];
  for (const [args, message] of refused) {
    assert.throws(
      () => read(...args),
      (error: Error) => message.test(error.message) && error.message.includes('npm run fetch-models'),
    );
  }
  assert.equal(read('musetalk', '--accept-licence').acceptsLicences, true);
});

test('every file of the manifest has a licence that is told, and every licence a file', () => {
  const { files, licences } = MUSETALK_MANIFEST;
  assert.deepEqual([...new Set(files.map(({ licence }) => licence))].sort(), licences.map(({ name }) => name).sort());
});
