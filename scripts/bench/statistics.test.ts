import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linearFit, median, percentile } from './statistics.ts';

test('the median of an even number of values lies between the two in the middle', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([9, 1, 5]), 5);
});

test('percentiles interpolate, and their ends are the smallest and the largest value', () => {
  const values = Array.from({ length: 101 }, (_, i) => 100 - i);
  assert.equal(percentile(values, 0.99), 99);
  assert.equal(percentile(values, 0), 0);
  assert.equal(percentile(values, 1), 100);
  assert.equal(percentile([10, 20], 0.25), 12.5);
});

test('of nothing there is no percentile, and a share outside 0 to 1 is refused', () => {
  assert.ok(Number.isNaN(percentile([], 0.5)));
  assert.throws(() => percentile([1], 99), /share must be from 0 to 1/);
});

test('a fit finds the line that the points were made from', () => {
  const noise = [1, -1, 1, -1, -1, 1, -1, 1];
  const { slope, intercept } = linearFit(noise.map((error, x) => [x, 3 * x + 7 + error]));
  assert.ok(Math.abs(slope - 3) < 1e-9, `slope ${slope}`);
  assert.ok(Math.abs(intercept - 7) < 1e-9, `intercept ${intercept}`);
});

test('points above one another have no slope', () => {
  assert.deepEqual(
    linearFit([
      [2, 1],
      [2, 5],
    ]),
    { slope: 0, intercept: 3 },
  );
});
