import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FramePhases } from './frame-phases.ts';

test('the first session begins at once, on the grid', () => {
  assert.equal(new FramePhases().take(1000), 1000);
  assert.equal(new FramePhases().take(1000.1), 1020);
});

test('sessions that come at the same moment spread over a frame, evenly', () => {
  const phases = new FramePhases();
  const begins = Array.from({ length: 5 }, () => phases.take(1234));
  assert.deepEqual(begins, [1240, 1260, 1240, 1260, 1240]);
});

test('a place that was left is taken next', () => {
  const phases = new FramePhases();
  const begins = Array.from({ length: 4 }, () => phases.take(0));
  assert.deepEqual(begins, [0, 20, 0, 20]);
  // However long ago it began, and whole frames later.
  phases.leave(begins[1] + 4000);
  assert.equal(phases.take(801), 820);
  phases.leave(begins[0]);
  assert.equal(phases.take(801), 840);
});
