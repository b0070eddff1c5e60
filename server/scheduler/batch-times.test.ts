import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchTimes } from './batch-times.ts';

const measured = [
  { size: 1, ms: 10 },
  { size: 2, ms: 12 },
  { size: 4, ms: 16 },
];

test('a batch takes as long as the next size that was measured', () => {
  const times = new BatchTimes(measured);
  assert.deepEqual(
    [1, 2, 3, 4, 9].map((count) => times.ms(count)),
    [10, 12, 16, 16, 16],
  );
  assert.deepEqual(
    [1, 3, 9].map((count) => times.sizeFor(count)),
    [1, 4, 4],
  );
  assert.equal(times.largest, 4);
});

test('a device that has become slower is slower at all sizes', () => {
  const times = new BatchTimes(measured);
  for (let batch = 0; batch < 15; batch += 1) times.learn(2, 18);
  assert.deepEqual([times.ms(1), times.ms(2), times.ms(4)], [15, 18, 24]);
  for (let batch = 0; batch < 15; batch += 1) times.learn(4, 16);
  assert.equal(times.ms(1), 10);
});

test('a hiccup now and then changes nothing, and neither does a standstill', () => {
  const times = new BatchTimes(measured);
  for (let batch = 0; batch < 30; batch += 1) times.learn(1, batch % 5 === 0 ? 25 : 10);
  times.learn(1, 2_000);
  assert.equal(times.ms(1), 10);
});

test('a device that is many times slower for good is believed in the end', () => {
  const times = new BatchTimes(measured);
  for (let batch = 0; batch < 15; batch += 1) times.learn(1, 200);
  assert.equal(times.ms(1), 200);
});

test('more pictures never take less time, whatever was measured', () => {
  const times = new BatchTimes([
    { size: 1, ms: 10 },
    { size: 2, ms: 7 },
  ]);
  assert.equal(times.ms(2), 10);
});

test('times that are none or out of order are a mistake of the caller', () => {
  assert.throws(() => new BatchTimes([]), RangeError);
  assert.throws(() => new BatchTimes([measured[1], measured[0]]), RangeError);
});
