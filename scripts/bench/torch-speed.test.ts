import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readTorchSpeed } from './torch-speed.ts';

const MEASURED = {
  format: 1,
  device: 'CPU, 2 threads',
  latent: 32,
  matrix_flops: 2e11,
  rows: [
    { batch: 1, frames_per_second: 0.2 },
    { batch: 2, frames_per_second: 0.25 },
  ],
};

test('the fastest batch of torch is what others are put beside', async (t) => {
  const path = await written(t, JSON.stringify(MEASURED));
  assert.deepEqual(await readTorchSpeed(path), {
    device: 'CPU, 2 threads',
    isCpu: true,
    latent: 32,
    picturesPerSecond: 0.25,
    matrixFlops: 2e11,
  });
});

test('a file that is missing, or holds something else, is refused with how to make one', async (t) => {
  const advice = /scripts\/export\/torch_speed\.py/;
  await assert.rejects(readTorchSpeed('/no/such.json'), { code: 'media_not_found', message: advice });
  for (const other of ['', '[]', 'null', '{"format":1}', JSON.stringify({ ...MEASURED, rows: [] })]) {
    const path = await written(t, other);
    await assert.rejects(readTorchSpeed(path), { code: 'model_invalid', message: advice }, other);
  }
});

async function written(t: { after: (close: () => Promise<void>) => void }, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'torch-speed-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'torch-speed.json');
  await writeFile(path, text);
  return path;
}
