import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadlineQueue } from './deadline-queue.ts';

test('the earliest deadline leaves first, equal ones in the order they came', () => {
  const queue = new DeadlineQueue<{ dueMs: number; name: string }>(10);
  for (const [dueMs, name] of [
    [30, 'c'],
    [10, 'a'],
    [20, 'b1'],
    [20, 'b2'],
  ] as const)
    queue.push({ dueMs, name });
  assert.deepEqual(
    queue.drain().map((item) => item.name),
    ['a', 'b1', 'b2', 'c'],
  );
});

test('a full queue gives up the item that is due first', () => {
  const queue = new DeadlineQueue<{ dueMs: number }>(2);
  assert.equal(queue.push({ dueMs: 5 }), null);
  assert.equal(queue.push({ dueMs: 9 }), null);
  assert.deepEqual(queue.push({ dueMs: 7 }), { dueMs: 5 });
  assert.equal(queue.size, 2);
});
