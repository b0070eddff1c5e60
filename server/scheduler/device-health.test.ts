import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceHealth } from './device-health.ts';

const failed = (jobs: number, reason: string) => ({
  drawings: new Array<'failed'>(jobs).fill('failed'),
  failures: [reason],
});
const NO_MEMORY = 'CUDA error: out of memory';

test('without memory for a batch, half of it is tried for ten seconds', () => {
  const health = new DeviceHealth();
  assert.equal(health.most(0), Number.POSITIVE_INFINITY);
  assert.equal(health.note(8, failed(8, NO_MEMORY), 0), 'out_of_memory');
  assert.equal(health.most(10), 4);
  assert.equal(health.note(4, failed(4, NO_MEMORY), 20), 'out_of_memory');
  assert.equal(health.most(9_000), 2);
  assert.equal(health.most(10_020), Number.POSITIVE_INFINITY);
});

test('a batch that fails for another reason is halved for two seconds, so that one bad job fails alone', () => {
  const health = new DeviceHealth();
  assert.equal(health.note(4, failed(4, 'picture 2 is no number'), 0), 'failed');
  assert.equal(health.most(1_999), 2);
  assert.equal(health.note(2, failed(2, 'picture 0 is no number'), 100), 'failed');
  assert.equal(health.note(1, failed(1, 'picture 0 is no number'), 200), 'failed');
  assert.equal(health.most(2_099), 1);
  assert.equal(health.most(2_100), Number.POSITIVE_INFINITY);
});

test('a device that fails at everything for a second is sick, one that fails now and then is not', () => {
  const health = new DeviceHealth();
  const verdicts = [0, 400, 800].map((nowMs) => health.note(1, failed(1, 'device lost'), nowMs));
  assert.deepEqual(verdicts, ['failed', 'failed', 'failed']);
  assert.equal(health.note(2, { drawings: ['failed', 'drawn'], failures: ['NaN'] }, 900), 'well');
  assert.deepEqual(
    [1_000, 1_400, 1_800, 2_000].map((nowMs) => health.note(1, failed(1, NO_MEMORY), nowMs)),
    ['failed', 'failed', 'failed', 'sick'],
  );
});

test('jobs that name what is not there say nothing about the device', () => {
  const health = new DeviceHealth();
  for (const nowMs of [0, 500, 1_000, 1_500, 2_000]) {
    assert.equal(health.note(1, { drawings: ['failed'], failures: [] }, nowMs), 'well');
  }
});

test('a batch is overdue 60 ms after it should have been there, one that takes long after half as long again', () => {
  assert.equal(new DeviceHealth().overdueMs(1_000, 40), 1_100);
  assert.equal(new DeviceHealth().overdueMs(1_000, 2_000), 4_000);
});
