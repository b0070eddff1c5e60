import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdempotencyKeys } from './idempotency.ts';

const ANSWER = { status: 201, headers: {}, body: {} };
const order = (key: string) => ({ key, subject: 'one', order: {} });

test('a repetition while the first request is under way is refused', async () => {
  const keys = new IdempotencyKeys();
  const gate = Promise.withResolvers<typeof ANSWER>();
  const first = keys.run(order('a'), () => gate.promise);
  await assert.rejects(
    keys.run(order('a'), async () => ANSWER),
    { code: 'in_progress' },
  );
  gate.resolve(ANSWER);
  assert.equal((await first).isReplay, false);
  assert.equal((await keys.run(order('a'), async () => assert.fail('created twice'))).isReplay, true);
});

test('after ten minutes a key is forgotten', async () => {
  let nowMs = 0;
  const keys = new IdempotencyKeys(() => nowMs);
  await keys.run(order('a'), async () => ANSWER);
  nowMs = 10 * 60_000;
  assert.equal((await keys.run(order('a'), async () => ANSWER)).isReplay, false);
});

test('ten thousand keys do not make the memory grow', async () => {
  const keys = new IdempotencyKeys(() => 0);
  for (let i = 0; i < 10_000; i += 1) await keys.run(order(String(i)), async () => ANSWER);
  assert.equal(keys.size, 2000);
});
