import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProviderId } from '../models/execution-providers.ts';
import type { Trial } from './provider-trial.ts';
import { examineProviders, tryProvider } from './providers.ts';

async function examined(trials: Partial<Record<ProviderId, Trial>>) {
  const findings = await examineProviders(Object.keys(trials), async (provider) => trials[provider] as Trial);
  return Object.fromEntries(findings.map((finding) => [finding.name, finding]));
}

test('a provider that computes rightly is good, with figures', async () => {
  const { webgpu, cpu } = await examined({
    webgpu: { levels: 0.01, runMs: 1.25, processorMs: 2 },
    cpu: { levels: 0, runMs: 2, processorMs: 0.1 },
  });
  assert.equal(webgpu.verdict, 'good');
  assert.equal(
    webgpu.found,
    "computes rightly (answers differ from the processor's by 0.01 levels of 255), 1.3 ms for a small network",
  );
  assert.equal(cpu.verdict, 'good');
});

test('a provider that computes wrongly, or no numbers, is not used', async () => {
  const { webgpu, dml } = await examined({
    webgpu: { levels: 40, runMs: 1, processorMs: 1 },
    dml: { levels: Number.NaN, runMs: 1, processorMs: 1 },
  });
  assert.match(webgpu.found, /^computes wrongly: .* by 40\.00 levels of 255; it is not used$/);
  assert.equal(webgpu.verdict, 'note');
  assert.match(dml.found, /^computes wrongly/);
});

test('a GPU that is many times slower than the processor is told', async () => {
  const { webgpu } = await examined({ webgpu: { levels: 0, runMs: 29, processorMs: 1.5 } });
  assert.equal(webgpu.verdict, 'note');
  assert.match(webgpu.found, /29\.0 ms for a small network, the processor 1\.5 ms$/);
  assert.match(webgpu.advice ?? '', /leave it out of engine\.musetalk\.execution_providers/);
});

test('a provider that is refused says why and what helps; only the processor is indispensable', async () => {
  const refusal = 'missing libraries: libcudnn.so.9; install cuDNN 9';
  const { cuda, cpu, coreml } = await examined({ cuda: { refusal }, cpu: { refusal: 'no runtime' } });
  assert.deepEqual(
    [cuda.verdict, cuda.found, cuda.advice],
    ['note', 'refused: missing libraries: libcudnn.so.9', 'install cuDNN 9'],
  );
  assert.deepEqual([cpu.verdict, cpu.found, cpu.advice], ['bad', 'refused: no runtime', undefined]);
  assert.match(coreml.found, /^not in the runtime for /);
});

test('the processor of this machine agrees with itself, in a process of its own', async () => {
  const trial = await tryProvider('cpu');
  assert.ok(!('refusal' in trial), JSON.stringify(trial));
  assert.equal(trial.levels, 0);
  assert.ok(trial.runMs > 0);
});

test('a provider that this machine cannot have is refused in the words of the runtime', async () => {
  const trial = await tryProvider(process.platform === 'win32' ? 'coreml' : 'dml');
  assert.ok('refusal' in trial);
  assert.match(trial.refusal, /cannot be loaded with (dml|coreml): .*backend not found/);
});
