import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { AppError } from '../errors.ts';
import { type ProviderId, providersToTry } from './execution-providers.ts';
import { OnnxModel } from './onnx-model.ts';
import { openOnProvider } from './provider-choice.ts';

const SHIPPED = join(import.meta.dirname, '../../models/voice-to-mouth.onnx');

/** Notes what was opened and closed. */
function fakeModels(refusing: Partial<Record<ProviderId, Error>>) {
  const events: string[] = [];
  const open = async (provider: ProviderId) => {
    events.push(`open ${provider}`);
    const error = refusing[provider];
    if (error) throw error;
    return {
      provider,
      close: async () => {
        events.push(`close ${provider}`);
      },
    };
  };
  return { events, open };
}

test('without a wish, what the runtime knows is tried, the fastest first', () => {
  const { candidates, refusals } = providersToTry(null, ['cpu', 'webgpu', 'tensorrt'], 'linux x64');
  assert.deepEqual(candidates, ['webgpu', 'cpu']);
  assert.deepEqual(
    refusals.map(({ provider }) => provider),
    ['cuda', 'coreml', 'dml'],
  );
  assert.equal(refusals[0].reason, 'the runtime for linux x64 does not know it');
});

test('a wish keeps its order, and nothing else is tried', () => {
  assert.deepEqual(providersToTry(['cpu', 'cuda', 'cpu'], ['cuda', 'cpu', 'webgpu']), {
    candidates: ['cpu', 'cuda'],
    refusals: [],
  });
});

test('a provider that cannot load and one that computes wrongly are refused, closed and told', async () => {
  const { events, open } = fakeModels({ webgpu: new AppError('engine_failed', 'No supported adapters\n\n') });
  const compare = async ({ provider }: { provider: ProviderId }) =>
    provider === 'coreml' ? 'unet differs by 0.31, expected at most 0.001' : null;
  const choice = await openOnProvider({ wanted: ['webgpu', 'coreml', 'cpu'], open, compare }, [
    'webgpu',
    'coreml',
    'cpu',
  ]);
  assert.equal(choice.provider, 'cpu');
  assert.deepEqual(choice.refusals, [
    { provider: 'webgpu', reason: 'No supported adapters' },
    { provider: 'coreml', reason: 'unet differs by 0.31, expected at most 0.001' },
  ]);
  assert.deepEqual(events, ['open webgpu', 'open coreml', 'close coreml', 'open cpu']);
});

test('a check that fails counts as a refusal', async () => {
  const { events, open } = fakeModels({});
  const compare = async () => {
    throw new AppError('engine_failed', 'out of memory');
  };
  await assert.rejects(openOnProvider({ wanted: ['webgpu'], open, compare }, ['webgpu', 'cpu']), {
    code: 'engine_failed',
    message: 'No execution provider can compute the models:\n  webgpu: out of memory',
  });
  assert.deepEqual(events, ['open webgpu', 'close webgpu']);
});

test('a file that is not there is so for all providers, and ends the search', async () => {
  const { events, open } = fakeModels({ webgpu: new AppError('model_missing', 'unet.onnx does not exist') });
  const trial = { wanted: null, open, compare: async () => null };
  await assert.rejects(openOnProvider(trial, ['webgpu', 'cpu']), { code: 'model_missing' });
  assert.deepEqual(events, ['open webgpu']);
});

test('the runtime of this machine computes at least on its processor, and says why not on what it does not have', async () => {
  const choice = await openOnProvider({
    wanted: ['dml', 'coreml', 'cpu'],
    open: (provider) => OnnxModel.open(SHIPPED, { provider, threads: 2 }),
    compare: async (model) => (model.inputNames.join() === 'mel,state' ? null : model.inputNames.join()),
  });
  await choice.opened.close();
  const refused = choice.refusals.map(({ provider }) => provider);
  assert.equal(refused.includes(choice.provider), false);
  if (process.platform === 'linux') assert.deepEqual([...refused, choice.provider], ['coreml', 'dml', 'cpu']);
});
