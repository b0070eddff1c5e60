import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetransmissionBudget } from './retransmission-budget.ts';

const sequence = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index);

test('a burst is repeated at once, and beyond it a quarter of what is sent', () => {
  const budget = new RetransmissionBudget(() => 0);
  assert.equal(budget.grant(sequence(60), Number.NaN).length, 48);
  assert.equal(budget.refused, 12);
  budget.onSent(100);
  assert.equal(budget.grant(sequence(60, 100), Number.NaN).length, 25);
});

test('a quiet stream does not save up more than one burst', () => {
  const budget = new RetransmissionBudget(() => 0, { share: 0.5, burstPackets: 10 });
  budget.onSent(10_000);
  assert.equal(budget.grant(sequence(100), Number.NaN).length, 10);
});

test('a packet asked for again is repeated only after half a round trip', () => {
  let nowMs = 0;
  const budget = new RetransmissionBudget(() => nowMs);
  assert.deepEqual(budget.grant([7, 8], 100), [7, 8]);
  nowMs = 49;
  assert.deepEqual(budget.grant([7, 8, 9], 100), [9]);
  nowMs = 50;
  assert.deepEqual(budget.grant([7, 9], 100), [7]);
  assert.equal(budget.refused, 0);
});

test('a share outside 0..1 is a mistake of the caller', () => {
  assert.throws(() => new RetransmissionBudget(() => 0, { share: 1.5 }), RangeError);
});
