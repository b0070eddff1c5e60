import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineSwitch, type EngineSwitchOptions, type RunningEngine } from './engine-switch.ts';
import type { EngineReport, StartProgress } from './engines/engine.ts';
import type { EngineChoice } from './engines/registry.ts';
import { AppError } from './errors.ts';
import { silentLog } from './log.ts';
import { ManualTimers } from './testing/manual-timers.ts';
import { NARROW_FOLDER } from './testing/musetalk-narrow.ts';

const MUSETALK = { modelsFolder: NARROW_FOLDER, executionProviders: null, threads: 0, remoteUrl: null };
const REPORT: EngineReport = {
  provider: 'webgpu',
  refusals: [{ provider: 'cuda', reason: 'no driver' }],
  models: [{ name: 'unet', version: 'musetalk-1.5', precision: 'fp16', weights: 'published' }],
};

class FakeEngine implements RunningEngine {
  readonly spec: { readonly id: string };
  readonly report: EngineReport | null;
  readonly #events: string[];

  constructor(id: string, events: string[]) {
    this.spec = { id };
    this.report = id === 'musetalk' ? REPORT : null;
    this.#events = events;
  }

  async close(): Promise<void> {
    this.#events.push(`close ${this.spec.id}`);
  }
}

function rig(change: Partial<EngineSwitchOptions<FakeEngine>> = {}, modelsFolder = NARROW_FOLDER) {
  const timers = new ManualTimers();
  const events: string[] = [];
  const gate = Promise.withResolvers<void>();
  const choice = (id: string): EngineChoice => ({
    id,
    moduleUrl: null,
    settings: { musetalk: { ...MUSETALK, modelsFolder } },
  });
  const engines = new EngineSwitch<FakeEngine>({
    engines: ['static', 'musetalk'].map(choice),
    start: async ({ id }, onProgress: (progress: StartProgress) => void) => {
      events.push(`start ${id}`);
      onProgress({ step: 'loading unet', share: 0.25 });
      await gate.promise;
      return new FakeEngine(id, events);
    },
    prepare: async ({ spec }) => {
      events.push(`prepare ${spec.id}`);
    },
    takeOver: ({ spec }) => {
      events.push(`take over ${spec.id}`);
    },
    timers,
    log: silentLog(),
    ...change,
  });
  return { engines, events, gate, timers, first: new FakeEngine('static', events) };
}

test('another engine is loaded beside the one that draws, takes over, and then the one before is closed', async () => {
  const { engines, events, gate, timers, first } = rig();
  engines.begin(first);
  engines.switchTo('musetalk');
  assert.equal(engines.running, first);
  const loading = await engines.state();
  assert.deepEqual(loading.loading, { engine: 'musetalk', step: 'loading unet', share: 0.25 });
  assert.deepEqual(
    loading.engines.map(({ id, state }) => [id, state]),
    [
      ['static', 'running'],
      ['musetalk', 'loading'],
    ],
  );
  gate.resolve();
  await timers.advance(999);
  assert.deepEqual(events, ['start musetalk', 'prepare musetalk', 'take over musetalk']);
  await timers.advance(1);
  await engines.settled();
  assert.equal(events.at(-1), 'close static');
  const { running, engines: told } = await engines.state();
  assert.equal(running, 'musetalk');
  assert.deepEqual([told[1].state, told[1].provider, told[1].refused], ['running', 'webgpu', REPORT.refusals]);
  assert.equal(told[1].models, REPORT.models);
});

test('an engine that cannot start changes nothing, and why is told until the next try', async () => {
  const refusal = new AppError('engine_failed', 'No execution provider can compute the models');
  let fails = true;
  const { engines, events, first, timers } = rig({
    start: async ({ id }) => {
      if (fails) throw refusal;
      return new FakeEngine(id, []);
    },
  });
  engines.begin(first);
  engines.switchTo('musetalk');
  await engines.settled();
  const state = await engines.state();
  assert.deepEqual([state.running, state.loading], ['static', null]);
  assert.deepEqual(state.problem, { engine: 'musetalk', detail: refusal.message });
  assert.deepEqual(events, []);
  fails = false;
  engines.switchTo('musetalk');
  await timers.advance(1000);
  await engines.settled();
  assert.equal((await engines.state()).problem, null);
});

test('an engine whose avatars cannot be prepared is closed again', async () => {
  const { engines, events, gate, first } = rig({
    prepare: async () => {
      throw new AppError('avatar_invalid', 'no face');
    },
  });
  engines.begin(first);
  engines.switchTo('musetalk');
  gate.resolve();
  await engines.settled();
  assert.deepEqual(events, ['start musetalk', 'close musetalk']);
  assert.equal(engines.running, first);
});

test('there is one change at a time, none before the first engine runs, and only to engines that there are', async () => {
  const { engines, gate, timers, first } = rig();
  assert.throws(() => engines.switchTo('static'), { code: 'not_ready' });
  engines.begin(first);
  assert.throws(() => engines.switchTo('nonesuch'), RangeError);
  engines.switchTo('musetalk');
  assert.throws(() => engines.switchTo('static'), {
    code: 'in_progress',
    message: /musetalk is being loaded \(loading unet\)/,
  });
  gate.resolve();
  await timers.advance(1000);
  await engines.settled();
  engines.switchTo('static');
  await timers.advance(1000);
  await engines.settled();
  assert.equal(engines.running?.spec.id, 'static');
});

test('a server that shuts down does not wait for a change, and leaves no engine open', async () => {
  const { engines, events, gate, first } = rig();
  engines.begin(first);
  engines.switchTo('musetalk');
  const closing = engines.close();
  gate.resolve();
  await closing;
  assert.deepEqual(events, ['start musetalk', 'close musetalk', 'close static']);
  assert.throws(() => engines.switchTo('musetalk'), { code: 'not_ready' });
});

test('engines that do not run tell their models and what is missing', async () => {
  const { engines } = rig();
  const [, there] = (await engines.state()).engines;
  assert.deepEqual([there.state, there.missing_files, there.provider], ['available', [], null]);
  assert.ok(there.models.some(({ name, weights }) => name === 'unet-decoder' && weights === 'random'));
  const [, absent] = (await rig({}, '/nowhere/musetalk').engines.state()).engines;
  assert.equal(absent.state, 'incomplete');
  assert.ok(absent.missing_files.includes('whisper-encoder.onnx'));
  assert.deepEqual(absent.models, []);
});

test('the first engine tells how far it is with starting', async () => {
  const { engines, first } = rig();
  engines.noteProgress('static', { step: 'loading', share: 0.5 });
  assert.deepEqual((await engines.state()).loading, { engine: 'static', step: 'loading', share: 0.5 });
  engines.begin(first);
  assert.equal((await engines.state()).loading, null);
});
