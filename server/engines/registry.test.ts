import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NARROW_FOLDER } from '../testing/musetalk-narrow.ts';
import { plainAvatar } from './embedded/test-avatar.ts';
import { createEngine, ENGINE_IDS, engineSpec } from './registry.ts';

function moduleOf(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

/** Of engines whose weights are not in the repository. */
const SETTINGS = {
  musetalk: { modelsFolder: NARROW_FOLDER, executionProviders: ['cpu'], threads: 1, remoteUrl: null },
} as const;

test('every engine of ours is what its id says', async () => {
  assert.deepEqual(ENGINE_IDS, ['static', 'embedded', 'musetalk']);
  for (const id of ENGINE_IDS) {
    const spec = await engineSpec({ id, moduleUrl: null });
    assert.equal(spec.id, id);
    const engine = await createEngine({ id, moduleUrl: null, settings: SETTINGS });
    assert.equal(engine.spec, spec);
    await engine.close();
    await engine.close();
  }
});

test('the static engine keeps the mouth closed and hears nothing', async () => {
  const engine = await createEngine({ id: 'static', moduleUrl: null });
  assert.equal(engine.spec.features.kind, 'none');
  const job = { sessionId: 's', generation: 0, frame: 0, avatarId: 'anna', clipName: 'idle_0', clipFrame: 0 };
  const jobs = [{ ...job, features: new Float32Array(0) }];
  await assert.rejects(engine.infer(jobs), { code: 'avatar_not_found' });
  await engine.addAvatar(plainAvatar('anna', 100));
  assert.deepEqual(await engine.infer(jobs), [null]);
});

test('an unknown engine is refused with the ones there are', async () => {
  for (const id of ['musetlk', 'constructor']) {
    await assert.rejects(engineSpec({ id, moduleUrl: null }), {
      code: 'config_invalid',
      message: `engine must be one of static, embedded, musetalk, got "${id}"`,
    });
  }
});

test('a module by URL is used instead of an engine of ours', async () => {
  const moduleUrl = moduleOf(`export const spec = { id: 'mine' }; export const createEngine = async () => ({ spec });`);
  assert.equal((await engineSpec({ id: 'static', moduleUrl })).id, 'mine');
  assert.equal((await createEngine({ id: 'mine', moduleUrl })).spec.id, 'mine');
});

test('a module that is not there or not an engine is refused by name', async () => {
  const missing = { id: 'mine', moduleUrl: 'file:///no/such/engine.ts' };
  await assert.rejects(engineSpec(missing), {
    code: 'engine_failed',
    message: /no\/such\/engine.ts, cannot be loaded/,
  });
  const empty = { id: 'mine', moduleUrl: moduleOf('export const spec = {};') };
  await assert.rejects(createEngine(empty), { code: 'engine_failed', message: /must export spec and createEngine/ });
});
