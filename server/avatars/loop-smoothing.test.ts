import assert from 'node:assert/strict';
import { test } from 'node:test';
import { smoothLoop } from './loop-smoothing.ts';

const FRAMES = 50;
const wave = (periods: number) =>
  Float32Array.from({ length: FRAMES }, (_, i) => Math.sin((2 * Math.PI * periods * i) / FRAMES));
const largest = (values: Float32Array) => Math.max(...values.map(Math.abs));

test('a slow movement passes unchanged, the end of the loop included', () => {
  const slow = wave(1);
  assert.ok(largest(smoothLoop(slow, 1, 5).map((value, i) => value - slow[i])) < 0.005);
});

test('what trembles from frame to frame is taken away', () => {
  const tremble = Float32Array.from({ length: FRAMES }, (_, i) => (i % 2 ? 1 : -1));
  assert.ok(largest(smoothLoop(tremble, 1, 5)) < 0.15);
});

test('each column of a row is smoothed on its own', () => {
  const rows = Float32Array.from({ length: 2 * FRAMES }, (_, i) => (i % 2 ? 7 : i % 4 ? 1 : -1));
  const smooth = smoothLoop(rows, 2, 5);
  for (let i = 0; i < FRAMES; i++) {
    assert.ok(Math.abs(smooth[2 * i + 1] - 7) < 1e-5);
    assert.ok(Math.abs(smooth[2 * i]) < 0.15);
  }
});

test('loops shorter than the window are smoothed over fewer neighbours, and one frame is left as it is', () => {
  assert.deepEqual([...smoothLoop(Float32Array.of(3), 1, 5)], [3]);
  assert.deepEqual([...smoothLoop(Float32Array.of(3, 4), 1, 5)], [3, 4]);
  const five = smoothLoop(Float32Array.of(0, 0, 1, 0, 0), 1, 5);
  assert.ok(five[2] < 0.5 && five[2] > 0.4);
});
