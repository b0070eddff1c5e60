import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { missingForCuda, missingLibraries, notFound, runtimeFolder } from './missing-libraries.ts';

async function emptyFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'runtime-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

test('libraries that the linker does not find are named once each', () => {
  const text = [
    '\tlinux-vdso.so.1 (0x00007ffd)',
    '\tlibcublasLt.so.12 => not found',
    '\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)',
    '\tlibcudnn.so.9 => not found',
    '\tlibcudnn.so.9 => not found',
  ].join('\n');
  assert.deepEqual(notFound(text), ['libcublasLt.so.12', 'libcudnn.so.9']);
});

test('where the CUDA files are not beside the runtime, their names and the command that gets them are told', async (t) => {
  const text = await missingForCuda(await emptyFolder(t));
  assert.match(text ?? '', /^libonnxruntime_providers_shared\.so and libonnxruntime_providers_cuda\.so not beside/);
  assert.match(
    text ?? '',
    /node node_modules\/onnxruntime-node\/script\/install\.js --onnxruntime-node-install=cuda12$/,
  );
});

test('CUDA files whose libraries are all there miss nothing', async (t) => {
  const folder = await emptyFolder(t);
  await writeFile(join(folder, 'libonnxruntime_providers_shared.so'), '');
  await cp(process.execPath, join(folder, 'libonnxruntime_providers_cuda.so'));
  assert.equal(await missingForCuda(folder), null);
});

test('a file that the linker cannot read misses nothing that anybody knows of', async (t) => {
  const path = join(await emptyFolder(t), 'text.so');
  await writeFile(path, 'no library');
  assert.deepEqual(await missingLibraries(path), []);
});

test('the folder of the runtime is the one whose library is loaded here', async () => {
  assert.match(runtimeFolder(), new RegExp(`onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}$`));
});
