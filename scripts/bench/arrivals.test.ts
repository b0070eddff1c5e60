import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arrivals } from './arrivals.ts';

test('a viewer that gets every picture on time has even gaps, no missing picture and no growing lateness', () => {
  const arrivals = new Arrivals();
  for (let i = 0; i < 50; i += 1) arrivals.add({ arrivedMs: 1000 + 40 * i, rtpTimestamp: 90_000 + 3600 * i });
  assert.deepEqual([...new Set(arrivals.gapsMs())], [40]);
  assert.equal(arrivals.missing(), 0);
  assert.ok(Math.abs(arrivals.latenessGrowth()) < 1e-6);
});

test('a server that is 1 % too slow falls behind by 10 ms a second', () => {
  const arrivals = new Arrivals();
  for (let i = 0; i < 250; i += 1) arrivals.add({ arrivedMs: 40.4 * i, rtpTimestamp: 3600 * i });
  assert.ok(Math.abs(arrivals.latenessGrowth() - 9.9) < 0.01, `${arrivals.latenessGrowth()}`);
});

test('time stamps may wrap around, and pictures that never came are counted', () => {
  const arrivals = new Arrivals();
  const first = 2 ** 32 - 7200;
  for (const i of [0, 1, 2, 5]) arrivals.add({ arrivedMs: 40 * i, rtpTimestamp: (first + 3600 * i) % 2 ** 32 });
  assert.equal(arrivals.missing(), 2);
  assert.deepEqual(arrivals.gapsMs(), [40, 40, 120]);
});

test('how long ago the last picture came is known, and that none came', () => {
  const arrivals = new Arrivals();
  assert.equal(arrivals.sinceLastMs(2000), Number.POSITIVE_INFINITY);
  for (const atMs of [1000, 1040]) arrivals.add({ arrivedMs: atMs, rtpTimestamp: 90 * atMs });
  assert.equal(arrivals.sinceLastMs(2000), 960);
});
