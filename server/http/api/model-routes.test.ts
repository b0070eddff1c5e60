import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { AppError } from '../../errors.ts';
import { type ApiRig, openApiRig } from '../../testing/api-rig.ts';
import type { ModelsState } from './models-state.ts';

const STATE: ModelsState = {
  running: 'embedded',
  loading: { engine: 'musetalk', step: 'loading unet', share: 0.25 },
  problem: { engine: 'musetalk', detail: 'No execution provider can compute the models' },
  engines: [
    {
      id: 'musetalk',
      state: 'loading',
      missing_files: [],
      provider: 'cpu',
      refused: [{ provider: 'cuda', reason: 'no driver' }],
      models: [{ name: 'unet', version: 'musetalk-1.5', precision: 'fp16', weights: 'random' }],
    },
  ],
};

let rig: ApiRig;
let switched: string[];
afterEach(() => rig.close());

async function open(refusal?: AppError): Promise<void> {
  switched = [];
  rig = await openApiRig({
    keys: [
      { id: 'speak', scope: 'speak' },
      { id: 'admin', scope: 'admin' },
    ],
    models: {
      ids: ['static', 'musetalk'],
      state: async () => STATE,
      switchTo: (id) => {
        if (refusal) throw refusal;
        switched.push(id);
      },
    },
  });
}

test('administrators see all that is told of the models', async () => {
  await open();
  const { status, body } = await rig.ask('GET', '/api/models', { as: 'admin' });
  assert.equal(status, 200);
  assert.deepEqual(body, STATE);
});

test('a switch is begun and answered at once with how far it is', async () => {
  await open();
  const { status, body } = await rig.ask('POST', '/api/models', { as: 'admin', body: { engine: 'musetalk' } });
  assert.deepEqual([status, switched], [202, ['musetalk']]);
  assert.deepEqual(body, STATE);
});

test('others than administrators may neither look nor switch', async () => {
  await open();
  assert.equal((await rig.ask('GET', '/api/models', { as: 'speak' })).status, 403);
  assert.equal((await rig.ask('POST', '/api/models', { as: 'speak', body: { engine: 'static' } })).status, 403);
  assert.equal((await rig.ask('GET', '/api/models')).status, 401);
  assert.deepEqual(switched, []);
});

test('an engine that there is not, and anything else in the body, are refused', async () => {
  await open();
  for (const body of [{ engine: 'wav2lip' }, {}, { engine: 'static', force: true }]) {
    assert.equal((await rig.ask('POST', '/api/models', { as: 'admin', body })).status, 400);
  }
  assert.deepEqual(switched, []);
});

test('a switch during another one is refused with a reason', async () => {
  await open(new AppError('in_progress', 'The engine musetalk is being loaded; try again when that is over.'));
  const { status, body } = await rig.ask('POST', '/api/models', { as: 'admin', body: { engine: 'static' } });
  assert.deepEqual([status, body.code], [409, 'in_progress']);
});
