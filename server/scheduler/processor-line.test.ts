import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Metrics } from '../metrics.ts';
import { ManualTimers } from '../testing/manual-timers.ts';
import type { FrameJob, FrameOutcome } from './frame-job.ts';
import type { WaitingJob } from './job-line.ts';
import { ProcessorLine } from './processor-line.ts';

const DUE_AFTER_MS = 40;

/** A line whose thread answers when the test says so. */
class Rig {
  readonly timers = new ManualTimers(10_000);
  /** Batches that the thread has been given and has not answered, by the sessions in them. */
  readonly given: { batchId: number; jobs: readonly WaitingJob[] }[] = [];
  readonly told: string[] = [];
  readonly line = new ProcessorLine({
    maxBatch: 1,
    send: (batchId, jobs) => void this.given.push({ batchId, jobs }),
    timers: this.timers,
    metrics: new Metrics(),
  });

  get sessions(): string[][] {
    return this.given.map(({ jobs }) => jobs.map(({ sessionId }) => sessionId));
  }

  add(...sessions: string[]): void {
    for (const sessionId of sessions) {
      this.line.add(jobOf(sessionId, this.timers.nowMs() + DUE_AFTER_MS), (outcome: FrameOutcome) => {
        this.told.push(`${sessionId} ${outcome}`);
      });
    }
  }

  async answerAfter(ms: number): Promise<void> {
    await this.timers.advance(ms);
    const batch = this.given.shift();
    assert.ok(batch, 'the thread has nothing to answer');
    const drawings = batch.jobs.map(() => 'drawn' as const);
    this.line.answer({
      type: 'inferred',
      batchId: batch.batchId,
      drawings,
      failures: [],
      refusals: [],
      inferMs: ms,
      composeMs: 0,
    });
  }
}

function jobOf(sessionId: string, dueMs: number): FrameJob {
  return {
    ...{ sessionId, generation: 0, frame: 0, avatarId: 'anna', clipName: 'idle_0', clipFrame: 0 },
    ...{ features: new Float32Array(0), dueMs, picture: new SharedArrayBuffer(0), mouth: null },
  };
}

test('two jobs go to the thread at once, a single one when nobody else of this turn wants to join it', async () => {
  const rig = new Rig();
  rig.add('a');
  assert.deepEqual(rig.sessions, []);
  rig.add('b');
  assert.deepEqual(rig.sessions, [['a', 'b']]);
  rig.add('c');
  await turn();
  assert.deepEqual(rig.sessions, [['a', 'b'], ['c']]);
});

test('the thread is given one batch to work on and one to go on with; the rest waits here', async () => {
  const rig = new Rig();
  rig.add('a', 'b', 'c', 'd', 'e');
  await turn();
  assert.deepEqual(rig.sessions, [
    ['a', 'b'],
    ['c', 'd'],
  ]);
  await rig.answerAfter(4);
  assert.deepEqual(rig.told, ['a drawn', 'b drawn']);
  assert.deepEqual(rig.sessions, [['c', 'd'], ['e']]);
});

test('what cannot be there in time is left out, and says so', async () => {
  const rig = new Rig();
  rig.add('a', 'b', 'c', 'd', 'e');
  await rig.answerAfter(DUE_AFTER_MS + 1);
  assert.deepEqual(rig.told, ['a drawn', 'b drawn', 'e late']);
});
