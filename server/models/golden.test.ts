import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Golden, madeUp } from './golden.ts';
import type { Model } from './model.ts';

const INPUT = { shape: [1, 2, 3], seed: 1, low: -1, high: 1 };
/** What the fake graph answers: every input doubled, and half of them as levels. */
const EXPECTED = [...madeUp(INPUT)].map((value) => 2 * value);
const LEVELS = [10, 20, 30, 40];

async function golden(t: TestContext, tolerance: Record<string, number>): Promise<Golden> {
  const folder = await mkdtemp(join(tmpdir(), 'golden-'));
  t.after(() => rm(folder, { recursive: true }));
  const samples = Float32Array.from([EXPECTED[0], EXPECTED[3], ...LEVELS]);
  await writeFile(join(folder, 'golden.bin'), Buffer.from(samples.buffer));
  const outputs = {
    pred: { type: 'float32', shape: [1, 6], offset: 0, count: 2, stride: 3, tolerance: { relative: 0.01 } },
    image: { type: 'uint8', shape: [1, 4], offset: 8, count: 4, stride: 1, tolerance },
  };
  const graphs = { 'unet-decoder': { file: 'unet-decoder.onnx', inputs: { latents: INPUT }, outputs } };
  await writeFile(join(folder, 'golden.json'), JSON.stringify({ format: 1, graphs }));
  return Golden.read(folder);
}

/** A graph that is off by so much. */
function model(predOff: number, levelsOff: readonly number[]): Model {
  return {
    run: async ({ latents }, { pred, image }) => {
      pred.data.set([...latents.data].map((value) => 2 * value + predOff));
      image.data.set(LEVELS.map((level, i) => level + (levelsOff[i] ?? 0)));
    },
    close: async () => {},
  };
}

test('made-up inputs begin as the exporter says', () => {
  const [first, second, third] = madeUp({ shape: [3], seed: 1, low: -1, high: 1 });
  assert.deepEqual(
    [first, second, third].map((value) => Number(value.toFixed(6))),
    [-0.527089, -0.261459, 0.008484],
  );
});

test('answers that are right, or a little off, pass', async (t) => {
  const expected = await golden(t, { levels: 0.5 });
  assert.equal(await expected.compare('unet-decoder', model(0, [])), null);
  assert.equal(await expected.compare('unet-decoder', model(0.005, [1, 0, 0, 1])), null);
});

test('answers that are wrong, or no numbers, are told with figures', async (t) => {
  const expected = await golden(t, { levels: 0.5 });
  const refusal = (predOff: number, levels: number[] = []) => expected.compare('unet-decoder', model(predOff, levels));
  assert.match(
    (await refusal(0.3)) ?? '',
    /^unet-decoder computes pred wrongly: relative difference 0\.\d+, expected at most 0\.01$/,
  );
  assert.match((await refusal(Number.NaN)) ?? '', /relative difference NaN/);
  assert.match(
    (await refusal(0, [9, 0, 0, 0])) ?? '',
    /computes image wrongly: levels difference 2\.25, expected at most 0\.5/,
  );
});

test('labels are compared by the share of others, and an unknown measure lets nothing pass', async (t) => {
  assert.match(
    (await (await golden(t, { mismatch: 0.1 })).compare('unet-decoder', model(0, [0, 1]))) ?? '',
    /mismatch difference 0\.250/,
  );
  assert.match(
    (await (await golden(t, { hunch: 1 })).compare('unet-decoder', model(0, []))) ?? '',
    /hunch difference NaN/,
  );
});

test('a graph that nothing is known of, and a file that is not there, are told', async (t) => {
  const expected = await golden(t, { levels: 1 });
  await assert.rejects(expected.compare('unet', model(0, [])), {
    code: 'model_invalid',
    message: /knows no graph unet/,
  });
  await assert.rejects(Golden.read('/nowhere'), { code: 'model_missing', message: /\/nowhere\/golden\.json/ });
});
