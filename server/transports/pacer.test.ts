import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualTimers } from '../testing/manual-timers.ts';
import { Pacer } from './pacer.ts';

function pacer() {
  const timers = new ManualTimers();
  const sent: { item: number; atMs: number }[] = [];
  return { timers, sent, pacer: new Pacer<number>((item) => sent.push({ item, atMs: timers.nowMs() }), timers) };
}

const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index);

test('a picture of six packets leaves at once and sets no timer', () => {
  const { pacer: paced, sent, timers } = pacer();
  paced.push(numbers(6));
  assert.deepEqual(
    sent.map(({ item }) => item),
    numbers(6),
  );
  assert.equal(timers.pending, 0);
});

test('a key frame of 22 packets is spread over six milliseconds, in order', async () => {
  const { pacer: paced, sent, timers } = pacer();
  paced.push(numbers(22));
  await timers.advance(20);
  assert.deepEqual(
    sent.map(({ item }) => item),
    numbers(22),
  );
  assert.deepEqual(
    [0, 2, 4, 6].map((atMs) => sent.filter((each) => each.atMs === atMs).length),
    [6, 6, 6, 4],
  );
  assert.equal(timers.pending, 0);
});

test('no packet waits longer than 20 ms, however large the pictures are', async () => {
  const { pacer: paced, sent, timers } = pacer();
  paced.push(numbers(300));
  await timers.advance(10);
  paced.push(numbers(300, 300));
  await timers.advance(100);
  assert.equal(sent.length, 600);
  assert.ok(sent[299]!.atMs <= 20, `first picture ended at ${sent[299]!.atMs} ms`);
  assert.ok(sent[599]!.atMs <= 31, `second picture, begun at 10 ms, ended at ${sent[599]!.atMs} ms`);
  assert.deepEqual(
    sent.map(({ item }) => item),
    numbers(600),
  );
});

test('what waits is forgotten when the pacer closes', async () => {
  const { pacer: paced, sent, timers } = pacer();
  paced.push(numbers(22));
  paced.close();
  await timers.advance(100);
  assert.equal(sent.length, 6);
  assert.equal(paced.waiting, 0);
  assert.equal(timers.pending, 0);
});
