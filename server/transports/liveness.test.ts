import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualTimers } from '../testing/manual-timers.ts';
import { Liveness } from './liveness.ts';

function watch() {
  const timers = new ManualTimers();
  const heard = { count: 0 };
  const silent: { phase: string; atMs: number }[] = [];
  const liveness = new Liveness({
    heard: () => heard.count,
    onSilent: (phase) => silent.push({ phase, atMs: timers.nowMs() }),
    silenceMs: 12_000,
    timers,
  });
  return { timers, heard, silent, liveness };
}

test('a viewer that falls silent is given up after twelve seconds, once', async () => {
  const { timers, heard, silent, liveness } = watch();
  liveness.connected();
  for (let second = 0; second < 30; second += 1) {
    heard.count += 50;
    await timers.advance(1000);
  }
  assert.deepEqual(silent, []);
  await timers.advance(60_000);
  assert.deepEqual(silent, [{ phase: 'connected', atMs: 42_000 }]);
  assert.equal(timers.pending, 0);
});

test('a viewer that comes back after eleven seconds is kept', async () => {
  const { timers, heard, silent, liveness } = watch();
  liveness.connected();
  await timers.advance(11_000);
  heard.count += 1;
  await timers.advance(11_000);
  assert.deepEqual(silent, []);
});

test('a viewer that never connects is given up although something is heard of it', async () => {
  const { timers, heard, silent } = watch();
  for (let second = 0; second < 20; second += 1) {
    heard.count += 1;
    await timers.advance(1000);
  }
  assert.deepEqual(silent, [{ phase: 'connecting', atMs: 12_000 }]);
});

test('closing leaves no timer', () => {
  const { timers, liveness } = watch();
  liveness.close();
  assert.equal(timers.pending, 0);
});
