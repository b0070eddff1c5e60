import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Candidate, chooseBatch } from './batch-choice.ts';
import { BatchTimes } from './batch-times.ts';

const times = new BatchTimes([
  { size: 1, ms: 10 },
  { size: 2, ms: 14 },
  { size: 4, ms: 22 },
  { size: 8, ms: 38 },
]);

/** Jobs of the sessions a, b, c, … in the order of their deadlines. */
function jobs(count: number, more: Partial<Candidate> = {}, dueMs = 1_000): Candidate[] {
  return Array.from({ length: count }, (_, at) => ({
    sessionId: String.fromCharCode(97 + at),
    dueMs: dueMs + at,
    isFirst: false,
    servedMs: 0,
    ...more,
  }));
}

const names = (batch: readonly Candidate[]): string => batch.map(({ sessionId }) => sessionId).join('');

test('everything that waits goes together if there is time', () => {
  assert.equal(names(chooseBatch(jobs(8), 0, times).batch), 'abcdefgh');
});

test('what cannot be in time even alone is left out', () => {
  const waiting = [...jobs(1, { sessionId: 'z' }, 9), ...jobs(2)];
  const { batch, late } = chooseBatch(waiting, 0, times);
  assert.deepEqual([names(batch), names(late)], ['ab', 'z']);
});

test('a deadline that is near keeps its batch small', () => {
  const { batch } = chooseBatch(jobs(4, {}, 17), 0, times);
  assert.equal(names(batch), 'ab');
});

test('a batch is not filled up with nothing where less is done faster', () => {
  assert.equal(names(chooseBatch(jobs(5), 0, times).batch), 'abcd');
  assert.equal(names(chooseBatch(jobs(7), 0, times).batch), 'abcdefg');
});

test('first words go at once and without the others', () => {
  const waiting = [...jobs(3), ...jobs(2, { isFirst: true, sessionId: 'new' }, 2_000)];
  assert.deepEqual(
    chooseBatch(waiting, 0, times).batch.map(({ dueMs }) => dueMs),
    [2_000, 2_001],
  );
});

test('where more wait than go into a batch, those that have waited longest have their turn', () => {
  const waiting = jobs(12).map((job, at) => ({ ...job, servedMs: at < 6 ? 90 : 50 }));
  assert.equal(names(chooseBatch(waiting, 0, times).batch), 'ghijklab');
});

test('no session is drawn twice before each has had its turn', () => {
  const waiting = [...jobs(6, { sessionId: 'greedy' }), ...jobs(6, { servedMs: 500 }, 1_010)];
  assert.equal(names(chooseBatch(waiting, 0, times, 7).batch).replaceAll('greedy', 'G'), 'Gabcdef');
});

test('while there is memory for less, batches are smaller', () => {
  assert.equal(names(chooseBatch(jobs(8), 0, times, 4).batch), 'abcd');
  assert.equal(names(chooseBatch(jobs(8), 0, times, 1).batch), 'a');
});
