import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OfflineTimers } from './offline-timers.ts';

/** Settles a few turns of the event loop later, as an answer of another thread does. */
async function later(turns = 5): Promise<void> {
  for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('timers run in the order of their time, those of equal time in the order in which they were set', async () => {
  const timers = new OfflineTimers();
  const seen: string[] = [];
  const note = (name: string) => () => void seen.push(`${name} ${timers.nowMs()}`);
  timers.at(20, note('b'));
  timers.at(10, note('a'));
  timers.at(20, note('c'));
  const takeBack = timers.at(15, note('never'));
  takeBack();
  await timers.run(() => false);
  assert.deepEqual(seen, ['a 10', 'b 20', 'c 20']);
});

test('time goes on while work is under way, and stands still where it must be done', async () => {
  const timers = new OfflineTimers();
  const seen: string[] = [];
  timers.at(0, () => {
    const work = later().then(() => void seen.push('work'));
    timers.hold(work, 20);
  });
  timers.at(19, () => void seen.push('before'));
  timers.at(20, () => void seen.push('due'));
  await timers.run(() => false);
  assert.deepEqual(seen, ['before', 'work', 'due']);
});

test('work that fails does not hold time for ever', async () => {
  const timers = new OfflineTimers();
  const work = later().then(() => Promise.reject(new Error('broken')));
  timers.hold(work, 0);
  let ran = false;
  timers.at(1, () => {
    ran = true;
  });
  await timers.run(() => false);
  await assert.rejects(work, /broken/);
  assert.ok(ran);
});

test('what a timer set off, and timers set by timers, come before the next one; the run ends when it is asked to', async () => {
  const timers = new OfflineTimers();
  const seen: string[] = [];
  const tick = (atMs: number): void => {
    timers.at(atMs, () => {
      void Promise.resolve()
        .then(() => {})
        .then(() => seen.push(`after ${atMs}`));
      seen.push(`${atMs}`);
      tick(atMs + 10);
    });
  };
  tick(0);
  await timers.run(() => seen.length >= 4);
  assert.deepEqual(seen, ['0', 'after 0', '10', 'after 10']);
  assert.equal(timers.nowMs(), 10);
});
