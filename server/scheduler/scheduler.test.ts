import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import { silentLog } from '../log.ts';
import { Metrics } from '../metrics.ts';
import { fakeAvatar } from '../testing/fakes.ts';
import { MOOD } from '../testing/moody-engine.ts';
import type { FrameJob } from './frame-job.ts';
import { Scheduler } from './scheduler.ts';

const engine = { id: 'moody', moduleUrl: new URL('../testing/moody-engine.ts', import.meta.url).href };
const avatar = fakeAvatar('a', 10);

async function open(t: TestContext, metrics = new Metrics()): Promise<Scheduler> {
  const scheduler = await Scheduler.open({ engine, workers: 1, avatars: [avatar], log: silentLog(), metrics });
  t.after(() => scheduler.close());
  return scheduler;
}

function job(mood: number, overrides: Partial<FrameJob> = {}): FrameJob {
  return {
    sessionId: 's',
    generation: 0,
    avatarId: 'a',
    clipName: 'idle_0',
    frame: 7,
    clipFrame: 3,
    features: Float32Array.of(mood),
    dueMs: performance.now() + 10_000,
    picture: new SharedArrayBuffer((16 * 16 * 3) / 2),
    mouth: null,
    ...overrides,
  };
}

test('a drawn picture arrives in the memory that the job lent', async (t) => {
  const scheduler = await open(t);
  const picture = new SharedArrayBuffer((16 * 16 * 3) / 2);
  assert.equal(await scheduler.submit(job(MOOD.draw, { picture })), 'drawn');
  assert.notDeepEqual(new Uint8Array(picture), new Uint8Array(384));
  assert.equal(await scheduler.submit(job(MOOD.closed)), 'closed');
});

test('what a picture waits for, and what its batch takes, is measured', async (t) => {
  const metrics = new Metrics();
  const scheduler = await open(t, metrics);
  const startedMs = performance.now();
  const first = scheduler.submit(job(MOOD.stall));
  await immediate();
  // Two batches go to the worker, one of them to wait there; what comes after them waits here.
  const second = scheduler.submit(job(MOOD.draw));
  await immediate();
  const others = [second, scheduler.submit(job(MOOD.draw)), scheduler.submit(job(MOOD.draw))];
  await once(AbortSignal.timeout(20), 'abort');
  assert.ok(scheduler.waitingMs >= 15, `${scheduler.waitingMs} ms`);
  await Promise.all([first, ...others]);
  const tookMs = performance.now() - startedMs;
  assert.equal(scheduler.waitingMs, 0);
  const queue = metrics.histogram('engine_queue_ms').summary();
  const engine = metrics.histogram('batch_infer_ms').summary();
  assert.equal(queue.count, 4);
  assert.equal(engine.count, metrics.histogram('batch_compose_ms').total.count);
  assert.ok(
    queue.max + engine.max <= 2 * tookMs && queue.max > engine.max / 2,
    JSON.stringify({ queue, engine, tookMs }),
  );
});

test('the parameters of the mouth arrive with the picture if the job asks for them', async (t) => {
  const scheduler = await open(t);
  const mouth = new SharedArrayBuffer(8 * 4);
  assert.equal(await scheduler.submit(job(MOOD.draw, { mouth })), 'drawn');
  assert.deepEqual([...new Float32Array(mouth)], [1, 0, 0, 0, 0, 0, 0, 0]);
});

test('a job whose time is over is not run', async (t) => {
  const scheduler = await open(t);
  assert.equal(await scheduler.submit(job(MOOD.die, { dueMs: performance.now() - 1 })), 'late');
  assert.equal(await scheduler.submit(job(MOOD.draw)), 'drawn');
});

test('a job that the engine refuses fails alone, and is counted', async (t) => {
  const metrics = new Metrics();
  const scheduler = await open(t, metrics);
  assert.equal(await scheduler.submit(job(MOOD.fail)), 'failed');
  assert.equal(await scheduler.submit(job(MOOD.draw, { avatarId: 'nobody' })), 'failed');
  assert.equal(await scheduler.submit(job(MOOD.draw)), 'drawn');
  assert.equal(metrics.counter('engine_failures').value, 2);
});

test('a job that names what is not there costs the others of its batch nothing', async (t) => {
  const scheduler = await open(t);
  const jobs = [
    job(MOOD.draw),
    job(MOOD.draw, { avatarId: 'nobody' }),
    job(MOOD.draw, { clipName: 'none' }),
    job(MOOD.closed),
  ];
  const outcomes = await Promise.all(jobs.map((each) => scheduler.submit(each)));
  assert.deepEqual(outcomes, ['drawn', 'failed', 'failed', 'closed']);
});

test('jobs of one turn go as one batch, of as many as the engine takes', async (t) => {
  const metrics = new Metrics();
  const scheduler = await open(t, metrics);
  const moods = [MOOD.draw, MOOD.closed, MOOD.draw, MOOD.draw, MOOD.draw, MOOD.closed];
  const outcomes = await Promise.all(moods.map((mood) => scheduler.submit(job(mood))));
  assert.deepEqual(outcomes, ['drawn', 'closed', 'drawn', 'drawn', 'drawn', 'closed']);
  assert.deepEqual(metrics.histogram('batch_jobs').total, { count: 2, sum: 6 });
});

test('a worker that dies fails its jobs at once, and comes back by itself', async (t) => {
  const metrics = new Metrics();
  const scheduler = await open(t, metrics);
  assert.equal(await scheduler.submit(job(MOOD.die)), 'failed');
  assert.equal(await scheduler.submit(job(MOOD.draw)), 'failed');
  let outcome = 'failed';
  const limit = AbortSignal.timeout(20_000);
  while (outcome === 'failed' && !limit.aborted) {
    outcome = await scheduler.submit(job(MOOD.draw));
    if (outcome === 'failed') await once(AbortSignal.timeout(50), 'abort');
  }
  assert.equal(outcome, 'drawn');
  assert.equal(metrics.counter('engine_restarts').value, 1);
});

test('closing while the engine is busy waits for it and answers what waits', async (t) => {
  const scheduler = await open(t);
  const busy = scheduler.submit(job(MOOD.stall));
  const behind = scheduler.submit(job(MOOD.draw));
  await scheduler.close();
  assert.deepEqual(await Promise.all([busy, behind]), ['failed', 'failed']);
  assert.equal(await scheduler.submit(job(MOOD.draw)), 'failed');
});

test('an engine that cannot start is told by its own words and leaves no thread', async () => {
  const failing = { id: 'absent', moduleUrl: new URL('../testing/no-such-engine.ts', import.meta.url).href };
  await assert.rejects(
    Scheduler.open({ engine: failing, workers: 2, avatars: [], log: silentLog(), metrics: new Metrics() }),
    (error) => error instanceof AppError || /Cannot find module/.test(String(error)),
  );
});
