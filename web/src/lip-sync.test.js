import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corrected } from './lip-sync.js';

test('sound that is early is held longer', () => {
  assert.deepEqual(corrected({ audioMs: 50, videoMs: 50 }, 20), { audioMs: 64, videoMs: 50 });
});

test('sound that is late has its picture held longer', () => {
  assert.deepEqual(corrected({ audioMs: 50, videoMs: 50 }, -20), { audioMs: 50, videoMs: 64 });
});

test('what was held back on purpose is let go first', () => {
  assert.deepEqual(corrected({ audioMs: 50, videoMs: 60 }, 20), { audioMs: 54, videoMs: 50 });
  assert.deepEqual(corrected({ audioMs: 80, videoMs: 50 }, -20), { audioMs: 66, videoMs: 50 });
});

test('a few milliseconds are left alone, and nothing is held longer than 150 ms', () => {
  assert.deepEqual(corrected({ audioMs: 70, videoMs: 50 }, 5), { audioMs: 70, videoMs: 50 });
  assert.deepEqual(corrected({ audioMs: 140, videoMs: 50 }, 90), { audioMs: 150, videoMs: 50 });
  assert.deepEqual(corrected({ audioMs: 50, videoMs: 120 }, -90), { audioMs: 50, videoMs: 150 });
});

test('an offset that follows the correction dies away', () => {
  let held = { audioMs: 50, videoMs: 50 };
  const natural = 25;
  for (let turn = 0; turn < 6; turn += 1) held = corrected(held, natural - (held.audioMs - held.videoMs));
  assert.ok(Math.abs(natural - (held.audioMs - held.videoMs)) < 6);
});
