import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyWindow, WINDOW_FEATURES, windowStart } from './feature-windows.ts';

/** Feature f of layer l is f + l/10, two numbers of it. */
const HIDDEN = {
  data: Float32Array.from({ length: 20 * 3 * 2 }, (_, i) => Math.floor(i / 6) + (Math.floor(i / 2) % 3) / 10),
  layers: 3,
  width: 2,
};

function window(start: number, count = 20): number[][] {
  const out = new Float32Array(WINDOW_FEATURES * 6).fill(9);
  copyWindow(HIDDEN, start, count, out);
  return Array.from({ length: WINDOW_FEATURES }, (_, t) => [0, 1, 2].map((layer) => out[(t * 3 + layer) * 2]));
}

test('windows begin where MuseTalk lets them begin', () => {
  assert.deepEqual(
    [0, 1, 2, 10].map((frame) => windowStart(frame, 25)),
    [-4, -2, 0, 16],
  );
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5].map((frame) => windowStart(frame, 30)),
    [0, 1, 2, 3, 4, 5].map((frame) => Math.floor((frame * 5) / 3) - 4),
  );
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5].map((frame) => windowStart(frame, 24)),
    [0, 1, 2, 3, 4, 5].map((frame) => Math.floor((frame * 25) / 12) - 6),
  );
});

test('a window runs through the features, and through the layers of each', () => {
  const rows = window(7);
  for (const [t, layers] of rows.entries()) assert.deepEqual(layers, [7 + t, 7.1 + t, 7.2 + t].map(Math.fround));
});

test('before the sound and after it there are zeros', () => {
  const first = window(-4);
  assert.deepEqual(first.slice(0, 4).flat(), new Array(12).fill(0));
  assert.deepEqual(first[5], [1, 1.1, 1.2].map(Math.fround));
  const last = window(14, 17);
  assert.deepEqual(last[2], [16, 16.1, 16.2].map(Math.fround));
  assert.deepEqual(last.slice(3).flat(), new Array(21).fill(0));
  assert.deepEqual(window(30).flat(), new Array(30).fill(0));
  assert.deepEqual(window(-40).flat(), new Array(30).fill(0));
});
