import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../log.ts';
import { Metrics } from '../metrics.ts';
import { ManualTimers } from '../testing/manual-timers.ts';
import { DeviceLine } from './device-line.ts';
import type { FrameJob, FrameOutcome } from './frame-job.ts';
import type { WaitingJob } from './job-line.ts';
import type { Drawing } from './messages.ts';

const TIMES = [1, 2, 4].map((size) => ({ size, ms: 6 + 4 * size }));
const DUE_AFTER_MS = 120;

/** A line whose device answers when the test says so. */
class Rig {
  readonly timers = new ManualTimers(10_000);
  readonly metrics = new Metrics();
  /** Batches that the device has been given and has not answered. */
  readonly given: { batchId: number; jobs: readonly WaitingJob[] }[] = [];
  /** What became of the jobs, by session, in the order in which they were told. */
  readonly told: string[] = [];
  remade = 0;
  readonly line = new DeviceLine({
    dueAfterMs: DUE_AFTER_MS,
    send: (batchId, jobs) => void this.given.push({ batchId, jobs }),
    onSick: () => {
      this.remade += 1;
    },
    soon: (run) => void this.timers.at(this.timers.nowMs(), run),
    timers: this.timers,
    metrics: this.metrics,
    log: silentLog(),
  });

  constructor() {
    this.line.start(TIMES);
  }

  /** A job of each session. */
  async add(...sessions: string[]): Promise<void> {
    for (const sessionId of sessions) {
      const job = jobOf(sessionId, this.timers.nowMs() + DUE_AFTER_MS);
      const onStandstill = (): void => void this.told.push(`${sessionId} stands still`);
      this.line.add({ ...job, onStandstill }, (outcome: FrameOutcome) => {
        this.told.push(`${sessionId} ${outcome}`);
      });
    }
    await this.timers.advance(0);
  }

  /** Sessions have said their first words, so that the next ones may go together. */
  async begin(...sessions: string[]): Promise<void> {
    const nextFrameMs = this.timers.nowMs() + 40;
    await this.add(...sessions);
    await this.drawAll();
    await this.timers.advance(Math.max(0, nextFrameMs - this.timers.nowMs()));
    this.told.length = 0;
  }

  /** The device draws what it was given, in the time that it takes. */
  async drawAll(slowness = 1): Promise<void> {
    for (let [batch] = this.given; batch; [batch] = this.given) {
      const { length } = batch.jobs;
      const { ms } = TIMES.find(({ size }) => size >= length) ?? TIMES[2];
      await this.timers.advance(ms * slowness);
      await this.answer();
    }
  }

  /** The device answers the batch that it was given first. */
  async answer(drawing: Drawing = 'drawn', failures: readonly string[] = []): Promise<void> {
    const batch = this.given.shift();
    assert.ok(batch, 'the device has nothing to answer');
    const drawings = batch.jobs.map(() => drawing);
    this.line.answer({
      type: 'inferred',
      batchId: batch.batchId,
      drawings,
      failures,
      refusals: [],
      inferMs: 5,
      composeMs: 1,
    });
    await this.timers.advance(0);
  }

  get batches(): string[] {
    return this.given.map(({ jobs }) => jobs.map(({ sessionId }) => sessionId).join(''));
  }
}

function jobOf(sessionId: string, dueMs: number): FrameJob {
  return {
    sessionId,
    generation: 0,
    frame: 0,
    avatarId: 'a',
    clipName: 'idle_0',
    clipFrame: 0,
    features: new Float32Array(1),
    dueMs,
    picture: new SharedArrayBuffer(1),
    mouth: null,
  };
}

test('an idle device gets what came at the same time as one batch, at once', async () => {
  const rig = new Rig();
  await rig.begin('a', 'b', 'c', 'd');
  await rig.add('a', 'b', 'c', 'd');
  assert.deepEqual(rig.batches, ['abcd']);
  await rig.answer();
  assert.deepEqual(rig.told, ['a drawn', 'b drawn', 'c drawn', 'd drawn']);
});

test('for a busy device jobs are collected, and go a moment before it is free', async () => {
  const rig = new Rig();
  await rig.begin('a', 'b', 'c');
  await rig.add('a', 'b');
  await rig.timers.advance(5);
  await rig.add('c');
  await rig.timers.advance(6);
  assert.deepEqual(rig.batches, ['ab'], 'two take 14 ms, and 11 are over');
  await rig.timers.advance(4);
  assert.deepEqual(rig.batches, ['ab', 'c'], 'c has waited 10 ms, and the device is nearly free');
});

test('a full batch does not wait, and no third one is handed over', async () => {
  const rig = new Rig();
  const all = [...'abcd'];
  await rig.begin('z', ...all);
  await rig.add('z');
  await rig.add(...all.slice(0, 3));
  assert.deepEqual(rig.batches, ['z']);
  await rig.add('d');
  assert.deepEqual(rig.batches, ['z', 'abcd']);
  await rig.add(...all);
  assert.equal(rig.batches.length, 2);
});

test('first words go to a busy device at once, without the others', async () => {
  const rig = new Rig();
  await rig.begin('a', 'b');
  await rig.add('a');
  await rig.add('b');
  await rig.add('new');
  assert.deepEqual(rig.batches, ['a', 'new']);
  await rig.answer();
  await rig.timers.advance(20);
  assert.deepEqual(rig.batches, ['new', 'b']);
});

test('a device that does not answer: what waits and what comes fails at once, and all is well as soon as it answers', async () => {
  const rig = new Rig();
  await rig.begin('a', 'b');
  await rig.add('a');
  await rig.add('b');
  await rig.timers.advance(10 + 60 + 1);
  assert.equal(rig.line.isStalled, true);
  await rig.add('a');
  assert.deepEqual(rig.batches, ['a', 'b'], 'b had been handed over: its memory is lent until the device answers');
  assert.deepEqual(rig.told, ['a stands still', 'b stands still', 'a failed']);
  await rig.timers.advance(2_000);
  await rig.answer();
  await rig.answer();
  assert.equal(rig.line.isStalled, false);
  await rig.add('a');
  assert.deepEqual(rig.batches, ['a']);
  assert.equal(rig.metrics.counter('device_stalls').value, 1);
});

test('an answer that waits while this thread is held up is no stall', async () => {
  const rig = new Rig();
  await rig.begin('a');
  await rig.add('a');
  rig.timers.stall(500);
  rig.timers.at(rig.timers.nowMs(), () => void rig.answer());
  await rig.timers.advance(1);
  assert.equal(rig.line.isStalled, false);
  assert.equal(rig.metrics.counter('device_stalls').value, 0);
});

test('a device that went away fails everything, and the jobs after it came back are drawn', async () => {
  const rig = new Rig();
  await rig.begin('a', 'b');
  await rig.add('a');
  await rig.add('b');
  rig.line.failAll();
  await rig.add('a');
  assert.deepEqual(rig.told, ['b failed', 'a failed', 'a failed']);
  rig.given.length = 0;
  rig.line.start(TIMES);
  await rig.add('a', 'b');
  assert.deepEqual(rig.batches, ['ab']);
});

test('without memory for a batch the next ones are half as large', async () => {
  const rig = new Rig();
  const all = [...'abcd'];
  await rig.begin(...all);
  await rig.add(...all);
  assert.deepEqual(rig.batches, ['abcd']);
  await rig.answer('failed', ['CUDA failure 2: out of memory']);
  assert.equal(rig.told.filter((outcome) => outcome.endsWith('failed')).length, 4);
  await rig.timers.advance(40);
  await rig.add(...all);
  assert.deepEqual(rig.batches, ['ab', 'cd']);
  assert.equal(rig.metrics.counter('device_out_of_memory').value, 1);
});

test('a device that only fails has its engine made anew', async () => {
  const rig = new Rig();
  await rig.begin('a');
  for (let frame = 0; frame < 30 && rig.remade === 0; frame += 1) {
    await rig.add('a');
    await rig.answer('failed', ['device lost']);
    await rig.timers.advance(40);
  }
  assert.equal(rig.remade, 1);
  await rig.add('a');
  assert.equal(rig.told.at(-1), 'a failed');
});

test('where nothing can be in time a job is tried every half second, and more when that turns out well', async () => {
  const rig = new Rig();
  await rig.begin('a');
  for (let batch = 0; batch < 20; batch += 1) {
    await rig.add('a');
    await rig.drawAll(20);
    await rig.timers.advance(40);
  }
  rig.told.length = 0;
  let tried = 0;
  for (let frame = 0; frame < 100; frame += 1) {
    await rig.add('a');
    tried += rig.given.length;
    await rig.drawAll(1);
    await rig.timers.advance(30);
  }
  assert.ok(tried >= 6 && tried < 100, `${tried} tried`);
  assert.ok(rig.told.includes('a late'));
  for (let frame = 0; frame < 250; frame += 1) {
    await rig.add('a');
    await rig.drawAll(1);
    await rig.timers.advance(30);
  }
  assert.deepEqual(rig.told.slice(-20), new Array(20).fill('a drawn'));
});

test('who waits however long it takes gets every mouth, of a device that is too slow for anybody else', async () => {
  const rig = new Rig();
  rig.line.start([{ size: 1, ms: 900 }]);
  for (let frame = 0; frame < 10; frame += 1) {
    const { promise, resolve } = Promise.withResolvers<FrameOutcome>();
    rig.line.add(jobOf('film', Number.POSITIVE_INFINITY), resolve);
    // Nobody who waits this long minds a standstill.
    await rig.timers.advance(frame === 5 ? 5_000 : 900);
    assert.equal(rig.line.isStalled, false);
    await rig.answer();
    assert.equal(await promise, 'drawn', `frame ${frame}`);
  }
});
