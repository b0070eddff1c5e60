import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualTime } from './virtual-time.ts';

test('events run in the order of their times, equal ones in the order in which they came', () => {
  const time = new VirtualTime();
  const seen: string[] = [];
  const note = (name: string) => () => void seen.push(`${name}@${time.nowMs()}`);
  for (const atMs of [50, 10, 30, 10, 20, 40]) time.at(atMs, note(String(atMs)));
  time.at(15, () => time.at(5, note('overdue')));
  time.runUntil(45);
  assert.deepEqual(seen, ['10@10', '10@10', 'overdue@15', '20@20', '30@30', '40@40']);
  assert.equal(time.nowMs(), 45);
});

test('a thousand events in any order come out in order, but for those taken back', () => {
  const time = new VirtualTime();
  const seen: number[] = [];
  for (let i = 0; i < 1_000; i += 1) {
    const atMs = (i * 7_919) % 1_009;
    const takeBack = time.at(atMs, () => void seen.push(atMs));
    if (i % 10 === 0) takeBack();
  }
  time.runUntil(2_000);
  assert.equal(seen.length, 900);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
});
