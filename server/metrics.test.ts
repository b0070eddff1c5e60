import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram, Metrics } from './metrics.ts';

test('percentiles of 1..1000 are right within one bucket of 8 percent', () => {
  const histogram = new Histogram();
  for (let value = 1; value <= 1000; value += 1) histogram.record(value);
  for (const share of [0.1, 0.5, 0.95, 0.99]) {
    const ratio = histogram.percentile(share) / (share * 1000);
    assert.ok(ratio > 0.92 && ratio < 1.09, `p${share * 100} is off by ${ratio}`);
  }
});

test('a percentile never exceeds the largest value', () => {
  const histogram = new Histogram();
  histogram.record(5);
  assert.equal(histogram.percentile(0.99), 5);
});

test('values that are not finite are not counted', () => {
  const histogram = new Histogram();
  histogram.record(Number.NaN);
  histogram.record(Number.POSITIVE_INFINITY);
  assert.equal(histogram.summary().count, 0);
});

test('the same name gives the same counter, and a gauge is read when looked at', () => {
  const metrics = new Metrics();
  metrics.counter('frames').add(2);
  metrics.counter('frames').add();
  let sessions = 1;
  metrics.gauge('sessions', () => sessions);
  sessions = 4;
  assert.equal(metrics.snapshot().counters.frames, 3);
  assert.equal(metrics.snapshot().gauges.sessions, 4);
});

test('the borders of buckets are powers of ten and what lies between, and values on a border belong below it', () => {
  const histogram = new Histogram();
  for (const value of [0, 0.1, 0.11, 1, 2, 9.99, 10, 10.01, 1000, 100_000]) histogram.record(value);
  assert.deepEqual(
    histogram.cumulative(0.1, 1000, 1).map(({ upTo, count }) => [Number(upTo.toPrecision(6)), count]),
    [
      [0.1, 2],
      [1, 4],
      [10, 7],
      [100, 8],
      [1000, 9],
    ],
  );
  assert.deepEqual(
    histogram.cumulative(1, 10, 3).map(({ upTo, count }) => [Number(upTo.toPrecision(3)), count]),
    [
      [1, 4],
      [2.15, 5],
      [4.64, 5],
      [10, 7],
    ],
  );
  assert.deepEqual(histogram.total, { count: 10, sum: 0.21 + 1 + 2 + 9.99 + 10 + 10.01 + 101_000 });
});
