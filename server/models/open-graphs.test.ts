import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { KserveServer } from '../testing/kserve-server.ts';
import { NARROW_FOLDER } from '../testing/musetalk-narrow.ts';
import { GRAPH_NAMES, graphFile } from './musetalk-graphs.ts';
import { type GraphSource, hasGraph, openGraphs } from './open-graphs.ts';

const HERE: GraphSource = { modelsFolder: NARROW_FOLDER, executionProviders: ['cpu'], threads: 1, remoteUrl: null };

async function copyOfNarrow(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'graphs-'));
  t.after(() => rm(folder, { recursive: true }));
  await cp(NARROW_FOLDER, folder, { recursive: true });
  return folder;
}

test('all graphs that are there compute on the processor what they computed in torch', async () => {
  const names = GRAPH_NAMES.filter((name) => hasGraph(NARROW_FOLDER, name));
  assert.ok(names.includes('unet-decoder') && names.includes('whisper-encoder'));
  const steps: string[] = [];
  const opened = await openGraphs(names, HERE, ({ step, share }) => steps.push(`${step} ${share.toFixed(2)}`));
  assert.equal(opened.provider, 'cpu');
  assert.equal(opened.facts['unet-decoder'].weights, 'random');
  assert.equal(steps.length, 2 * names.length);
  assert.equal(steps[0], 'loading whisper-encoder 0.00');
  assert.match(steps.at(-1) ?? '', /^testing .* 0\.9/);
  await opened.close();
  await opened.close();
});

test('a graph whose answers are not the expected ones is refused with figures', async (t) => {
  const folder = await copyOfNarrow(t);
  const samples = await readFile(join(folder, 'golden.bin'));
  for (let at = 0; at < samples.length; at += 4) samples.writeFloatLE(samples.readFloatLE(at) * 1.5 + 1, at);
  await writeFile(join(folder, 'golden.bin'), samples);
  await assert.rejects(openGraphs(['unet'], { ...HERE, modelsFolder: folder }), {
    code: 'engine_failed',
    message:
      /^No execution provider can compute the models:\n {2}cpu: unet computes pred wrongly: relative difference [\d.]+, expected at most [\d.]+$/,
  });
});

test('a graph that is not there, and one in the place of another, are told before anything is loaded', async (t) => {
  const folder = await copyOfNarrow(t);
  await cp(graphFile(folder, 'unet'), graphFile(folder, 'vae-decoder'));
  const source = { ...HERE, modelsFolder: folder };
  await assert.rejects(openGraphs(['unet', 'vae-decoder'], source), {
    code: 'model_invalid',
    message: /vae-decoder\.onnx: metadata musecast\.graph must be "vae-decoder", got "unet"/,
  });
  await rm(graphFile(folder, 'unet'));
  await assert.rejects(openGraphs(['unet'], source), { code: 'model_missing' });
});

test('graphs on another machine are tested in the same way', async (t) => {
  const server = await KserveServer.open(t, NARROW_FOLDER, ['unet-decoder']);
  const opened = await openGraphs(['unet-decoder'], { ...HERE, remoteUrl: server.url });
  t.after(() => opened.close());
  assert.equal(opened.provider, 'remote');
  assert.equal(server.runs, 1);
  server.moods.push('wrong-shape');
  await assert.rejects(openGraphs(['unet-decoder'], { ...HERE, remoteUrl: server.url }), /must be UINT8/);
});
