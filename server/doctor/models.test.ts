import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { goldenFiles } from '../models/golden.ts';
import { graphFile } from '../models/musetalk-graphs.ts';
import { KserveServer } from '../testing/kserve-server.ts';
import { NARROW_FOLDER } from '../testing/musetalk-narrow.ts';
import { examineModels, type ModelPlaces } from './models.ts';

function filesIn(folder: string): string[] {
  return [graphFile(folder, 'whisper-encoder'), graphFile(folder, 'unet-decoder'), ...goldenFiles(folder)];
}

const PLACES: ModelPlaces = {
  embeddedFiles: [import.meta.filename],
  musetalkFiles: filesIn(NARROW_FOLDER),
  graphsFolder: NARROW_FOLDER,
  originalsFolder: '/nowhere/originals',
  remoteUrl: null,
  engineId: 'embedded',
};

async function examined(change: Partial<ModelPlaces>) {
  return Object.fromEntries((await examineModels({ ...PLACES, ...change })).map((finding) => [finding.name, finding]));
}

test('graphs with random weights are there, but a note says that their pictures are noise', async () => {
  const found = await examined({});
  assert.equal(found.embedded.verdict, 'good');
  assert.equal(found.musetalk.verdict, 'good');
  assert.equal(found['musetalk unet-decoder'].verdict, 'note');
  assert.match(found['musetalk unet-decoder'].found, /^musetalk-1\.5, fp32, random weights$/);
  assert.match(found['musetalk originals'].found, /^8 published files are not there/);
});

test('missing files are bad for the engine that is configured, and a note for the other', async () => {
  const graphsFolder = '/nowhere/musetalk';
  const change = { graphsFolder, musetalkFiles: filesIn(graphsFolder), embeddedFiles: ['/nowhere/mouth.onnx'] };
  const embedded = await examined(change);
  assert.deepEqual([embedded.embedded.verdict, embedded.musetalk.verdict], ['bad', 'note']);
  const musetalk = await examined({ ...change, engineId: 'musetalk' });
  assert.deepEqual([musetalk.embedded.verdict, musetalk.musetalk.verdict], ['note', 'bad']);
  assert.match(musetalk.musetalk.found, /^Missing required model files: .*nowhere\/musetalk\/whisper-encoder\.onnx$/m);
  assert.match(musetalk.musetalk.advice ?? '', /^npm run fetch-models -- musetalk\n/);
});

test('a graph that is another one than its name says is bad for MuseTalk', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'doctor-'));
  t.after(() => rm(folder, { recursive: true }));
  await cp(graphFile(NARROW_FOLDER, 'unet'), graphFile(folder, 'vae-decoder'));
  await mkdir(join(folder, 'empty'));
  await writeFile(graphFile(folder, 'unet'), '');
  const found = await examined({ graphsFolder: folder, engineId: 'musetalk' });
  assert.equal(found['musetalk vae-decoder'].verdict, 'bad');
  assert.match(found['musetalk vae-decoder'].found, /must be "vae-decoder", got "unet"/);
  assert.match(found['musetalk unet'].found, /it is empty/);
});

test('a server that computes instead is asked whether it is ready', async (t) => {
  const server = await KserveServer.open(t, NARROW_FOLDER, []);
  const remote = async (remoteUrl: string) => (await examined({ remoteUrl, engineId: 'musetalk' }))['musetalk remote'];
  assert.equal((await remote(server.url)).verdict, 'good');
  server.isReady = false;
  assert.match((await remote(`${server.url}/`)).found, /\/v2\/health\/ready answers 503$/);
  const gone = await remote('http://127.0.0.1:1');
  assert.deepEqual([gone.verdict, gone.found], ['bad', 'http://127.0.0.1:1/v2/health/ready does not answer']);
  assert.equal((await examined({}))['musetalk remote'], undefined);
});
