import assert from 'node:assert/strict';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { onnxBytes } from '../testing/onnx-bytes.ts';
import { readOnnxMetadata } from './onnx-metadata.ts';

const SHIPPED = join(import.meta.dirname, '../../models/voice-to-mouth.onnx');

async function fileOf(t: TestContext, bytes: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'metadata-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'model.onnx');
  await writeFile(path, bytes);
  return path;
}

test('a model tells its metadata in the order of the file', async (t) => {
  const path = await fileOf(t, onnxBytes({ 'musecast.graph': 'unet', 'musecast.model': 'größer', empty: '' }, 1000));
  assert.deepEqual(
    [...(await readOnnxMetadata(path))],
    [
      ['musecast.graph', 'unet'],
      ['musecast.model', 'größer'],
      ['empty', ''],
    ],
  );
});

test('a model that was written by another exporter is read to its end', async () => {
  assert.equal((await readOnnxMetadata(SHIPPED)).has('musecast.graph'), false);
});

test('three gigabytes of weights are skipped, not read', async (t) => {
  const path = await fileOf(t, new Uint8Array());
  const file = await open(path, 'w');
  t.after(() => file.close());
  // Field 7 with 3 · 2^30 bytes, which are a hole in the file; then an entry.
  const head = Buffer.from([0x3a, 0x80, 0x80, 0x80, 0x80, 0x0c]);
  await file.write(head, 0, head.length, 0);
  const entry = onnxBytes({ key: 'after the weights' });
  await file.write(entry, 0, entry.length, head.length + 3 * 2 ** 30);
  const before = process.memoryUsage().arrayBuffers;
  assert.equal((await readOnnxMetadata(path)).get('key'), 'after the weights');
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20);
});

test('a file that was cut short anywhere is refused or tells what came before the cut', async (t) => {
  const whole = onnxBytes({ a: '1', b: '2' }, 40);
  for (let length = 0; length < whole.length; length++) {
    const path = await fileOf(t, whole.subarray(0, length));
    const outcome = await readOnnxMetadata(path).then(
      (entries) => [...entries.keys()].join(''),
      (error: { code: string }) => error.code,
    );
    assert.ok(['', 'a', 'model_invalid'].includes(outcome), `${length} bytes gave ${outcome}`);
  }
});

test('a file cut within its weights is told with both lengths', async (t) => {
  const path = await fileOf(t, onnxBytes({ a: '1' }, 1000).subarray(0, 500));
  await assert.rejects(readOnnxMetadata(path), {
    code: 'model_invalid',
    message: /model\.onnx must be an ONNX model: byte 10 announces data up to byte 1013, the file ends at 500\./,
  });
});

test('text, an empty file, a folder and too much metadata are no model', async (t) => {
  const refused = (path: string, message: RegExp) =>
    assert.rejects(readOnnxMetadata(path), { code: 'model_invalid', message });
  await refused(await fileOf(t, Buffer.from('<html>Not found</html>')), /no field|announces/);
  await refused(await fileOf(t, new Uint8Array()), /it is empty/);
  await refused(tmpdir(), /no file/);
  await refused(await fileOf(t, onnxBytes({ long: 'x'.repeat(70_000) })), /metadata entry at byte \d+ has 70/);
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key${i}`, '']));
  await refused(await fileOf(t, onnxBytes(many)), /more than 256 metadata entries/);
});

test('a file that is not there is missing', async () => {
  await assert.rejects(readOnnxMetadata('/nowhere/unet.onnx'), { code: 'model_missing', message: /\/nowhere\/unet/ });
});
