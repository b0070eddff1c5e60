import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Splicer } from './splicer.ts';

const tone = (from: number, count: number) =>
  Float32Array.from({ length: count }, (_, n) => 0.5 * Math.sin((2 * Math.PI * 300 * (from + n)) / 48_000));

/** Largest step from one sample to the next; the tone's own is 0.02. */
function largestStep(...pieces: Float32Array[]): number {
  const all = pieces.flatMap((piece) => [...piece]);
  return all.reduce((largest, value, n) => (n === 0 ? 0 : Math.max(largest, Math.abs(value - all[n - 1]))), 0);
}

test('sound that continues passes as the same array', () => {
  const splicer = new Splicer();
  splicer.join(tone(0, 960));
  const next = tone(960, 960);
  assert.equal(splicer.join(next), next);
});

test('where sound is missing the last one dies away within 5 ms, without a step', () => {
  const splicer = new Splicer();
  const before = tone(0, 1000);
  splicer.join(before);
  const filled = splicer.fill(960);
  assert.ok(largestStep(before.subarray(500), filled) < 0.03);
  assert.ok(Math.max(...filled.subarray(0, 100)) > 0.1);
  assert.ok(filled.subarray(240).every((value) => value === 0));
});

test('sound after a hole comes in without a step, and what was handed in stays as it was', () => {
  const splicer = new Splicer();
  splicer.join(tone(0, 1000));
  const hole = splicer.fill(960);
  const sound = tone(1037, 960);
  const joined = splicer.join(sound);
  assert.ok(largestStep(hole, joined) < 0.03);
  assert.deepEqual(joined.subarray(240), sound.subarray(240));
  assert.deepEqual(sound, tone(1037, 960));
});

test('a cut within sound is crossed over without a step or a hole', () => {
  const splicer = new Splicer();
  const before = tone(0, 1000);
  splicer.join(before);
  splicer.cut();
  const after = splicer.join(tone(5083, 960));
  assert.ok(largestStep(before.subarray(500), after) < 0.04, `${largestStep(before.subarray(500), after)}`);
});

test('pieces shorter than a fade are remembered together', () => {
  const splicer = new Splicer();
  for (let at = 0; at < 1200; at += 120) splicer.join(tone(at, 120));
  const filled = splicer.fill(480);
  assert.ok(largestStep(tone(1100, 100), filled) < 0.03);
});

test('silence that goes on stays zero', () => {
  const splicer = new Splicer();
  splicer.join(tone(0, 960));
  splicer.fill(960);
  assert.ok(splicer.fill(960).every((value) => value === 0));
});
