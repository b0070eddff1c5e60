import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import { type Config, defaultSettings } from './config/config.ts';
import type { ModelsState } from './http/api/models-state.ts';
import { silentLog } from './log.ts';
import { startServer } from './start-server.ts';
import { DeviceControl } from './testing/moody-device.ts';

function configWith(engine: string): Config {
  const settings = defaultSettings();
  return {
    settings: {
      ...settings,
      http: { ...settings.http, host: '127.0.0.1' },
      engine: {
        ...settings.engine,
        id: engine,
        fallbacks: ['static'],
        workers: 1,
        musetalk: { ...settings.engine.musetalk, modelsFolder: '/nowhere' },
      },
      media: { ...settings.media, folders: [], preparedFolder: '/nowhere' },
    },
    avatars: [
      {
        id: 'anna',
        name: 'Anna',
        preparation: true,
        bboxShiftPx: 0,
        videoPath: 'anna.mp4',
        videoFile: '/nowhere/anna.mp4',
        audioClips: {},
      },
    ],
  };
}

test('the server listens at once and /ready tells of an avatar that cannot be prepared', async () => {
  const server = await startServer(configWith('static'), { log: silentLog(), port: 0 });
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal((await fetch(`${server.url}/ready`)).status, 503);
  await assert.rejects(server.ready, { code: 'avatar_invalid', message: /Failed to initialize avatar anna: / });
  assert.match(await (await fetch(`${server.url}/ready`)).text(), /"state":"failed".*Failed to initialize avatar anna/);
  await server.close();
  await assert.rejects(fetch(`${server.url}/health`));
});

test('an engine that does not exist gives way to its fallback', async () => {
  const server = await startServer(configWith('nonesuch'), { log: silentLog(), port: 0 });
  await assert.rejects(server.ready, { code: 'avatar_invalid' });
  assert.match(await (await fetch(`${server.url}/health`)).text(), /"engine":"static"/);
  await server.close();
});

test('without any engine that starts the reasons of all are told', async () => {
  const engines = [
    { id: 'one', moduleUrl: 'file:///nowhere/one.ts' },
    { id: 'two', moduleUrl: null },
  ];
  const server = await startServer(configWith('static'), { log: silentLog(), port: 0, engines });
  await assert.rejects(server.ready, {
    code: 'engine_failed',
    message: /No engine can start:\n {2}one: .*\n {2}two: /,
  });
  await server.close();
});

test('closing twice, and while the server starts, is fine', async () => {
  const server = await startServer(configWith('static'), { log: silentLog(), port: 0 });
  await Promise.all([server.close(), server.close()]);
  await server.ready.catch(() => {});
});

test('a port that is taken is refused and leaves nothing open', async () => {
  const first = await startServer(configWith('static'), { log: silentLog(), port: 0 });
  await assert.rejects(startServer(configWith('static'), { log: silentLog(), port: first.port }), {
    code: 'port_unavailable',
  });
  await first.ready.catch(() => {});
  await first.close();
});

test('metrics and the Streamer’s REST are there from the start, and say what is not ready yet', async () => {
  const server = await startServer(configWith('static'), { log: silentLog(), port: 0 });
  await server.ready.catch(() => {});
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /^musecast_engine_info\{engine="static",device="cpu"\} 1$/m);
  assert.match(metrics, /^musecast_avatars\{state="failed"\} 1$/m);
  assert.match(metrics, /^musecast_sessions\{state="live",door="streamer"\} 0$/m);
  const api = `${server.url}/api/webrtc`;
  const initialized = await fetch(`${api}/avatar/initialize`, { method: 'POST' });
  assert.deepEqual(await initialized.json(), { status: 'success' });
  const started = await fetch(`${api}/realtime/start?session_id=test`, { method: 'POST' });
  const problem: { code: string } = JSON.parse(await started.text());
  assert.deepEqual([started.status, problem.code], [422, 'avatar_invalid']);
  await server.close();
});

test('a device that all sessions share has as many places as it was measured to draw talking', async () => {
  const device = new DeviceControl();
  const moduleUrl = new URL('./testing/moody-device.ts?mouthMs=20', import.meta.url).href;
  const engines = [{ id: 'moody-device', moduleUrl }];
  const server = await startServer(configWith('static'), { log: silentLog(), port: 0, engines });
  await server.ready.catch(() => {});
  // 44 ms for two are 45 mouths a second, of which nine tenths are promised: 15 each for two sessions.
  const health = JSON.parse(await (await fetch(`${server.url}/health`)).text()) as { capacity: number };
  assert.equal(health.capacity, 2);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /^musecast_sessions_capacity 2$/m);
  assert.match(metrics, /^musecast_engine_mouths_per_second 25$/m);
  assert.equal(device.isTroubled, false);
  await server.close();
});

test('another engine takes over while the server runs, and gives way again', async () => {
  const server = await startServer(configWith('static'), { log: silentLog(), port: 0 });
  await server.ready.catch(() => {});
  const switchTo = (engine: string) =>
    fetch(`${server.url}/api/models`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ engine }),
    });
  const settled = async (engine: string) => {
    for (;;) {
      const state = (await (await fetch(`${server.url}/api/models`)).json()) as ModelsState;
      assert.equal(state.problem, null);
      if (state.running === engine && state.loading === null) return state;
      await immediate();
    }
  };
  assert.equal((await switchTo('embedded')).status, 202);
  const { engines } = await settled('embedded');
  assert.deepEqual(
    engines.map(({ id, state }) => [id, state]),
    [
      ['static', 'available'],
      ['embedded', 'running'],
      ['musetalk', 'incomplete'],
    ],
  );
  assert.match(await (await fetch(`${server.url}/health`)).text(), /"engine":"embedded"/);
  assert.match(await (await fetch(`${server.url}/metrics`)).text(), /^musecast_engine_info\{engine="embedded"/m);
  while ((await switchTo('static')).status !== 202) await immediate();
  await settled('static');
  await server.close();
});
