import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { defaultSettings } from './config/config.ts';
import { openLog } from './log.ts';
import { Metrics } from './metrics.ts';
import { engineOf, openScheduler, startEngine } from './open-scheduler.ts';
import { KserveServer } from './testing/kserve-server.ts';
import { NARROW_FOLDER } from './testing/musetalk-narrow.ts';

function settingsWith(change: { modelsFolder?: string; remoteUrl?: string }) {
  const { engine } = defaultSettings();
  const musetalk = { ...engine.musetalk, modelsFolder: NARROW_FOLDER, executionProviders: ['cpu' as const], ...change };
  return { ...engine, id: 'musetalk', musetalk };
}

/** A log whose lines are kept. */
function keptLog() {
  const lines: { level: number; msg: string; provider?: string; reason?: string }[] = [];
  const output = new Writable({
    write(chunk, _encoding, done) {
      for (const line of String(chunk).trim().split('\n')) lines.push(JSON.parse(line));
      done();
    },
  });
  return { lines, log: openLog({ level: 'info', file: null, output }) };
}

test('an engine on the processor with random weights says so loudly, and tells how far it is with starting', async (t) => {
  const { lines, log } = keptLog();
  const settings = settingsWith({});
  const steps: string[] = [];
  const onProgress = (id: string, { step }: { step: string }) => {
    steps.push(`${id}: ${step}`);
  };
  const scheduler = await startEngine(engineOf(settings), settings, { onProgress, log, metrics: new Metrics() });
  t.after(() => scheduler.close());
  assert.equal(scheduler.report?.provider, 'cpu');
  assert.deepEqual(
    scheduler.report?.models.map(({ name, version, weights }) => [name, version, weights]),
    [
      ['whisper-encoder', 'musetalk-1.5', 'random'],
      ['unet-decoder', 'musetalk-1.5', 'random'],
    ],
  );
  assert.ok(steps.includes('musetalk: loading unet-decoder') && steps.includes('musetalk: testing unet-decoder'));
  const warnings = lines.filter(({ level }) => level === 40).map(({ msg }) => msg);
  assert.match(warnings[0], /^the engine computes on the processor, many times too slowly/);
  assert.match(warnings[1], /^the weights are random: what this engine draws is noise/);
});

test('an engine whose files are missing is told with the files, and the next one draws', async (t) => {
  const { lines, log } = keptLog();
  const settings = settingsWith({ modelsFolder: '/nowhere/musetalk' });
  const scheduler = await openScheduler(settings, { log, metrics: new Metrics() });
  t.after(() => scheduler.close());
  assert.equal(scheduler.spec.id, 'static');
  const told = lines.find(({ level }) => level === 50);
  assert.equal(told?.msg, 'engine cannot start; the next one is tried');
  assert.match(told?.reason ?? '', /\/nowhere\/musetalk\/whisper-encoder\.onnx does not exist/);
});

test('an engine may compute on another machine', async (t) => {
  const server = await KserveServer.open(t, NARROW_FOLDER, ['whisper-encoder', 'unet-decoder']);
  const { lines, log } = keptLog();
  const settings = settingsWith({ remoteUrl: server.url });
  const scheduler = await startEngine(engineOf(settings), settings, { log, metrics: new Metrics() });
  t.after(() => scheduler.close());
  assert.equal(scheduler.report?.provider, 'remote');
  // One run of each graph to test it, and the warming up.
  assert.ok(server.runs > 2, `${server.runs} runs`);
  assert.ok(lines.every(({ msg }) => !msg.includes('on the processor')));
});
