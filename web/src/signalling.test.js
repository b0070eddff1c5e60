import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryDelayMs } from './signalling.js';

test('retries come at doubling distances, up to ten seconds', () => {
  const middle = () => 0.5;
  assert.deepEqual(
    [1, 2, 3, 4, 20].map((attempt) => retryDelayMs(attempt, middle)),
    [400, 800, 1600, 3200, 10_000],
  );
});

test('the pages of a crowd come back spread over time', () => {
  assert.equal(
    retryDelayMs(20, () => 0),
    8000,
  );
  assert.equal(
    retryDelayMs(20, () => 1),
    12_000,
  );
});
