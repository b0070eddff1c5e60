import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CautiousLimit } from './cautious-limit.ts';

test('a limit falls at once and rises only after three seconds of room', () => {
  const limit = new CautiousLimit(25);
  limit.follow(15, 15, 0);
  assert.equal(limit.value, 15);
  for (let ms = 250; ms <= 3_000; ms += 250) limit.follow(25, 25, ms);
  assert.equal(limit.value, 15);
  limit.follow(25, 25, 3_250);
  assert.equal(limit.value, 25);
});

test('room that comes and goes does not raise it', () => {
  const limit = new CautiousLimit(25);
  limit.follow(15, 15, 0);
  for (let ms = 250; ms <= 20_000; ms += 250) limit.follow(20, ms % 2_000 === 0 ? 15 : 20, ms);
  assert.equal(limit.value, 15);
});

test('after nobody asked for long, it begins anew', () => {
  const limit = new CautiousLimit(25);
  limit.follow(15, 15, 0);
  limit.follow(25, 15, 10_000);
  assert.equal(limit.value, 25);
});
