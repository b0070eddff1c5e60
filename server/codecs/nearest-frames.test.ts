import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NearestFrames } from './nearest-frames.ts';

/** Which picture is shown at each step, for pictures at `times` seconds. */
function shown(framesPerSecond: number, times: readonly number[]): number[] {
  const timing = new NearestFrames(framesPerSecond);
  const pictures: number[] = [];
  for (const [i, seconds] of times.entries()) pictures.push(...Array(timing.next(seconds)).fill(i - 1));
  pictures.push(...Array(timing.end()).fill(times.length - 1));
  return pictures;
}

const steady = (framesPerSecond: number, count: number, startSeconds = 0) =>
  Array.from({ length: count }, (_, i) => startSeconds + i / framesPerSecond);

test('pictures at the wanted rate are shown once each, wherever their times begin', () => {
  assert.deepEqual(
    shown(25, steady(25, 100, 7.3)),
    Array.from({ length: 100 }, (_, i) => i),
  );
});

test('one second at 50, 30, 12.5 or 60 fps is one second at 25 fps', () => {
  for (const rate of [50, 30, 12.5, 60]) {
    const length = shown(25, steady(rate, rate * 2)).length;
    assert.equal(length, 50, `${rate} fps`);
  }
});

test('every second picture of 50 fps is left out, every picture of 12.5 fps is shown twice', () => {
  assert.deepEqual(shown(25, steady(50, 10)), [0, 2, 4, 6, 8]);
  assert.deepEqual(shown(25, steady(12.5, 4)), [0, 1, 1, 2, 2, 3, 3, 3]);
});

test('times rounded to milliseconds, as webm has them, do not lose or double a picture', () => {
  const times = steady(25, 250).map((t) => Math.round(t * 1000) / 1000);
  assert.deepEqual(
    shown(25, times),
    Array.from({ length: 250 }, (_, i) => i),
  );
});

test('a single picture is shown once, and times that run backwards do no harm', () => {
  assert.deepEqual(shown(25, [3]), [0]);
  assert.deepEqual(shown(25, [0, 0.04, 0.02, 0.08]), [0, 2, 3]);
});

test('each picture shown is the nearest one in time', () => {
  const times = [0, 0.013, 0.09, 0.11, 0.3, 0.31, 0.5];
  for (const [k, picture] of shown(25, times).entries()) {
    const distance = Math.abs(times[picture] - k / 25);
    assert.ok(
      times.every((t) => Math.abs(t - k / 25) >= distance - 1e-9),
      `step ${k}`,
    );
  }
});
