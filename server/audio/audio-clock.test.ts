import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AudioClock } from './audio-clock.ts';

test('frame 1500 at 25 fps is due exactly one minute after the origin', () => {
  let nowMs = 7_000;
  const clock = new AudioClock(() => nowMs);
  nowMs += 59_990;
  assert.equal(clock.msUntilFrame(1500), 10);
  assert.equal(clock.frameDueMs(1500), 67_000);
});

test('ten hours of chunks and frames end on the same millisecond and the same sample', () => {
  const clock = new AudioClock(() => 0, 123.4);
  assert.equal(clock.chunkDueMs(10 * 3600 * 50), clock.frameDueMs(10 * 3600 * 25));
  assert.equal(clock.chunkStartSample(10 * 3600 * 50), clock.frameStartSample(10 * 3600 * 25));
});

test('a due time that has passed is negative, however often the clock is asked', () => {
  const clock = new AudioClock(() => 1_000, 0);
  for (let i = 0; i < 3; i += 1) assert.equal(clock.msUntilChunk(49), -20);
});

test('an origin that is no number is refused', () => {
  assert.throws(() => new AudioClock(() => Number.NaN), RangeError);
});
