import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OddJob } from '../testing/odd-worker.ts';
import { runApart } from './run-apart.ts';

const PROCESS = new URL('../testing/odd-worker.ts', import.meta.url);

function run(
  what: OddJob['what'],
  options: { maxSeconds?: number; signal?: AbortSignal; onProgress?: () => void } = {},
) {
  const job: OddJob = { what, number: 21 };
  return runApart<OddJob, number>(job, {
    process: PROCESS,
    onProgress: options.onProgress ?? (() => {}),
    signal: options.signal,
    maxSeconds: options.maxSeconds ?? 60,
    tooSlow: () => new Error('too slow'),
    crashed: (how) => new Error(`broke off (${how})`),
  });
}

test('a job that is done gives its result, after its progress', async () => {
  let told = 0;
  assert.equal(await run('work', { onProgress: () => told++ }), 42);
  assert.equal(told, 1);
});

test('a job that takes longer than it may is ended', async () => {
  await assert.rejects(run('sleep', { maxSeconds: 1 }), /too slow/);
});

test('a job that takes more memory than it may is ended, and it is said why', async () => {
  await assert.rejects(run('grow'), { code: 'media_unreadable', message: 'It needs too much memory.' });
});

test('a job whose process is killed fails with the signal', async () => {
  await assert.rejects(run('die'), /broke off \(SIGKILL\)/);
});

test('a job that is given up ends at once with the reason', async () => {
  const control = new AbortController();
  const reason = new Error('not wanted any more');
  await assert.rejects(
    run('sleep', { signal: control.signal, onProgress: () => control.abort(reason) }),
    (error) => error === reason,
  );
});
