import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codecOf, PlayClock } from './frame-player.js';

test('pictures are shown as evenly as they were made, however they come', () => {
  const clock = new PlayClock();
  const shownMs = [0, 13, -9, 30, 2].map((jitterMs, i) => {
    clock.note(40 * i, 1000 + 40 * i + jitterMs);
    return clock.dueMs(40 * i);
  });
  assert.deepEqual(shownMs, [1060, 1100, 1140, 1180, 1220]);
});

test('a picture that is too late moves the time of all that follow, once', () => {
  const clock = new PlayClock();
  clock.note(0, 1000);
  clock.note(40, 1240);
  assert.equal(clock.dueMs(40), 1270);
  clock.note(80, 1250);
  assert.equal(clock.dueMs(80), 1310);
  clock.note(120, 9000);
  assert.equal(clock.dueMs(120), 1850, 'not by more than half a second at once');
});

test('the codec is what the sequence parameter set says', () => {
  assert.equal(codecOf(Uint8Array.of(0, 0, 0, 1, 9, 240, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 5)), 'avc1.42c01e');
  assert.equal(codecOf(Uint8Array.of(0, 0, 1, 0x65, 1, 2, 3, 4)), null);
});
