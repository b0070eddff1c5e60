import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from './av-offset.ts';

const ORIGINS = { audio: 2 ** 32 - 48_000, video: 1234 };

/** Packets of sound every 20 ms of media time, each heard `delayMs` after its time; media time 0 is page time 10 000. */
function sounds(delayMs: number, seconds: number) {
  return Array.from({ length: seconds * 50 }, (_, i) => ({
    atMs: 10_000 + 20 * i + delayMs,
    rtpTimestamp: (ORIGINS.audio + 960 * i) % 2 ** 32,
  }));
}

function flash(second: number, delayMs: number) {
  return { atMs: 10_000 + 1000 * second + delayMs, rtpTimestamp: ORIGINS.video + 90_000 * second };
}

test('sound that is heard 30 ms before its flash is seen is 30 ms early, also when its time stamps wrap around', () => {
  const flashes = [flash(1, 130), flash(2, 130)];
  const { offsets } = evaluate({ flashes, beeps: [], sounds: sounds(100, 3), estimates: [] }, ORIGINS);
  assert.deepEqual(
    offsets.map(({ soundEarlyMs }) => Math.round(soundEarlyMs)),
    [30, 30],
  );
});

test('a flash whose picture is a frame late in media time shows in its time stamp', () => {
  const late = { atMs: 11_140, rtpTimestamp: ORIGINS.video + 90_000 + 3600 };
  const { flashMediaMs } = evaluate({ flashes: [late], beeps: [], sounds: sounds(100, 3), estimates: [] }, ORIGINS);
  assert.deepEqual(flashMediaMs, [40]);
});

test('a beep that the audio graph hears 18 ms after its time stamp is played is 18 ms behind', () => {
  const { beepBehindMs } = evaluate(
    { flashes: [flash(1, 90)], beeps: [11_118], sounds: sounds(100, 3), estimates: [] },
    ORIGINS,
  );
  assert.deepEqual(beepBehindMs.map(Math.round), [18]);
});

test('a flash without any sound around it gives no offset', () => {
  const { offsets } = evaluate({ flashes: [flash(9, 100)], beeps: [], sounds: sounds(100, 3), estimates: [] }, ORIGINS);
  assert.deepEqual(offsets, []);
});
