import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IDLE_FRAMES, type IdlePose, idleMotion } from './idle-motion.ts';

const FIELDS = ['yaw', 'pitch', 'roll', 'breath', 'lids'] as const;
const SEEDS = Array.from({ length: 50 }, (_, i) => i * 77_777);
const loopOf = (seed: number): IdlePose[] => Array.from({ length: IDLE_FRAMES }, (_, i) => idleMotion(seed)(i));

test('the frame after the last is the first again, and the step between them is as small as the others', () => {
  for (const seed of SEEDS) {
    const motion = idleMotion(seed);
    for (const field of FIELDS) {
      assert.ok(Math.abs(motion(IDLE_FRAMES)[field] - motion(0)[field]) < 1e-9);
      const steps = loopOf(seed).map((pose, i) => Math.abs(motion(i + 1)[field] - pose[field]));
      assert.ok(steps[IDLE_FRAMES - 1] <= Math.max(...steps.slice(0, -1)), field);
    }
  }
});

test('the head never turns farther than 2.5 degrees', () => {
  for (const seed of SEEDS) {
    for (const { yaw, pitch, roll } of loopOf(seed)) {
      for (const turn of [yaw, pitch, roll]) assert.ok(Math.abs(turn) <= (2.5 * Math.PI) / 180 + 1e-9);
    }
  }
});

test('lids close wholly three times, at least 2 s apart over the loop’s end as well, and are open in between', () => {
  for (const seed of SEEDS) {
    const lids = loopOf(seed).map((pose) => pose.lids);
    const starts = lids.flatMap((value, i) => (value > 0 && lids.at(i - 1) === 0 ? [i] : []));
    assert.equal(starts.length, 3);
    for (const [k, start] of starts.entries()) {
      const next = starts[(k + 1) % 3] + (k === 2 ? IDLE_FRAMES : 0);
      assert.ok(next - start >= 49, `${next - start} frames`);
      assert.ok(Math.max(...lids.slice(start, start + 6)) > 0.9);
      assert.equal(lids[(start + 12) % IDLE_FRAMES], 0);
    }
  }
});

test('the loop begins with open eyes, as the photo shows them', () => {
  for (const seed of SEEDS) for (let i = 0; i < 25; i++) assert.equal(idleMotion(seed)(i).lids, 0);
});

test('a seed always gives the same movement, another seed another', () => {
  assert.deepEqual(loopOf(5), loopOf(5));
  assert.notDeepEqual(loopOf(5), loopOf(6));
});
