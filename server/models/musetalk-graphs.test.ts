import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { onnxBytes } from '../testing/onnx-bytes.ts';
import { graphFile, requireGraph, sizeOf } from './musetalk-graphs.ts';

const FUSED = {
  'musecast.format': '1',
  'musecast.graph': 'unet-decoder',
  'musecast.model': 'musetalk-1.5',
  'musecast.contains': 'positional-encoding,timestep-0,latent-scale,uint8-nhwc-bgr',
  'musecast.precision': 'fp16',
  'musecast.weights': 'random',
  'musecast.source_sha256': 'none',
  'musecast.width': '384',
  'musecast.layers': '5',
  'musecast.latent': '32',
  'musecast.image': '256',
};

async function folderWith(t: TestContext, metadata: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'graph-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(graphFile(folder, 'unet-decoder'), onnxBytes(metadata, 64));
  return folder;
}

test('a graph that says what the pipeline counts on is accepted with its facts', async (t) => {
  const facts = await requireGraph(graphFile(await folderWith(t, FUSED), 'unet-decoder'), 'unet-decoder');
  assert.equal(facts.weights, 'random');
  assert.equal(facts.precision, 'fp16');
  assert.equal(facts.sourceSha256, null);
  assert.equal(sizeOf(facts, 'image'), 256);
  assert.throws(() => sizeOf(facts, 'positions'), TypeError);
});

test('a graph is refused with file, key, what was expected, what was found and the command that helps', async (t) => {
  const cases: [string, string | undefined, RegExp][] = [
    ['format', '2', /musecast\.format must be "1", got "2"/],
    ['graph', 'unet', /musecast\.graph must be "unet-decoder", got "unet"/],
    ['graph', undefined, /musecast\.graph must be "unet-decoder", got nothing/],
    [
      'contains',
      'timestep-0,latent-scale',
      /musecast\.contains must be a list with positional-encoding, got "timestep-0,/,
    ],
    ['precision', 'int8', /musecast\.precision must be fp32 or fp16, got "int8"/],
    ['weights', undefined, /musecast\.weights must be published or random, got nothing/],
    ['image', '0', /musecast\.image must be a whole number of 1 or more, got "0"/],
    ['width', undefined, /musecast\.width must be a whole number of 1 or more, got nothing/],
  ];
  for (const [key, value, message] of cases) {
    const { [`musecast.${key}`]: _left, ...rest }: Record<string, string> = FUSED;
    const folder = await folderWith(t, value === undefined ? rest : { ...FUSED, [`musecast.${key}`]: value });
    const path = graphFile(folder, 'unet-decoder');
    await assert.rejects(requireGraph(path, 'unet-decoder'), (error: Error & { code: string }) => {
      assert.equal(error.code, 'model_invalid');
      assert.match(error.message, message);
      assert.ok(error.message.startsWith(path));
      assert.match(error.message, /Convert it again: python scripts\/export\/convert\.py /);
      return true;
    });
  }
});

test('a file under the name of another graph is refused', async (t) => {
  const path = graphFile(await folderWith(t, FUSED), 'unet-decoder');
  await assert.rejects(requireGraph(path, 'vae-decoder'), /musecast\.graph must be "vae-decoder", got "unet-decoder"/);
});
