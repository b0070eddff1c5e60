import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FREE_ACCESS, type Grant } from './access.ts';
import { RequestLimits } from './request-limits.ts';

const KEY: Grant = {
  subject: 'kiosk',
  scope: 'speak',
  credential: 'key',
  maxSessions: null,
  maxRequestsPerSecond: 1,
  sessionId: null,
};

test('a key has its own limit from wherever it calls, and a burst of twice as many passes', () => {
  let nowMs = 0;
  const limits = new RequestLimits(100, () => nowMs);
  assert.deepEqual(
    ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((address) => limits.take(KEY, address)),
    [true, true, false],
  );
  nowMs += 1000;
  assert.equal(limits.take(KEY, '192.0.2.1'), true);
});

test('where access is free each address has the common limit', async () => {
  const grant = await FREE_ACCESS.admit(undefined, 'view');
  const limits = new RequestLimits(1, () => 0);
  assert.deepEqual(
    ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2'].map((address) => limits.take(grant, address)),
    [true, true, false, true],
  );
});

test('ten thousand addresses do not make the memory grow', async () => {
  const grant = await FREE_ACCESS.admit(undefined, 'view');
  const limits = new RequestLimits(1, () => 0);
  for (let i = 0; i < 10_000; i += 1) limits.take(grant, `address ${i}`);
  assert.equal(limits.size, 4096);
});
