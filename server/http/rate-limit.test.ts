import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateLimit } from './rate-limit.ts';

const taken = (limit: RateLimit, nowMs: number, count: number) =>
  Array.from({ length: count }, () => limit.take(nowMs)).filter(Boolean).length;

test('a burst of twice the rate passes, and then the rate', () => {
  const limit = new RateLimit(10, 0);
  assert.equal(taken(limit, 0, 50), 20);
  assert.equal(taken(limit, 500, 50), 5);
  assert.equal(taken(limit, 1500, 50), 10);
});

test('a pause earns no more than one burst', () => {
  const limit = new RateLimit(10, 0);
  assert.equal(taken(limit, 3_600_000, 100), 20);
});
