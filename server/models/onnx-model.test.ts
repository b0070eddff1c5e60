import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { OnnxModel } from './onnx-model.ts';

test('a model that is not there is missing', async () => {
  await assert.rejects(OnnxModel.open('/nowhere/mouth.onnx'), {
    code: 'model_missing',
    message: /\/nowhere\/mouth\.onnx/,
  });
});

test('a file that is no model is refused with its name', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'model-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'broken.onnx');
  await writeFile(path, 'not a model');
  await assert.rejects(OnnxModel.open(path), { code: 'engine_failed', message: /broken\.onnx cannot be loaded/ });
});
