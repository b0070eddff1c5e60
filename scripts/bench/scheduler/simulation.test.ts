import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CARD_CLASSES } from './card-classes.ts';
import { simulate } from './simulation.ts';

/** 4 ms and 2 ms a mouth: two can be drawn for each that one alone would take. */
const times = [1, 2, 4, 8, 16].map((size) => ({ size, ms: 4 + 2 * size }));
const options = { sessions: 6, times, computeBudgetMs: 100, ms: 10_000 };

test('the same sessions see the same every time', () => {
  const [first, second] = [simulate(options), simulate(options)];
  assert.deepEqual(first, second);
});

test('every frame of an utterance is shown once, and as long as there is room with a mouth of its own', () => {
  const { faces, busy } = simulate(options);
  for (const face of faces) {
    assert.ok(face.frames > 200 && face.frames <= 250, `${face.frames} pictures in 10 s with pauses`);
    assert.ok(face.mouthsPerSecond > 24.5, `${face.mouthsPerSecond} a second`);
  }
  assert.ok(busy > 0.3 && busy < 1, `${busy} of its time`);
});

test('a device that stands still lets faces rest, and those alone', () => {
  const { faces } = simulate({ ...options, standstill: { fromMs: 12_000, toMs: 14_000 } });
  for (const { mouthsMs } of faces) {
    assert.ok(!mouthsMs.some((atMs) => atMs > 12_200 && atMs < 14_000));
    assert.ok(mouthsMs.some((atMs) => atMs > 14_000 && atMs < 14_700));
  }
});

test('sessions beyond what the device can draw get fewer mouths each, none of them much fewer than others', () => {
  const { faces } = simulate({ ...options, sessions: 30, ms: 30_000 });
  const rates = faces.map((face) => face.mouthsPerSecond);
  assert.ok(Math.max(...rates) < 16, `${Math.max(...rates)} a second`);
  assert.ok(Math.min(...rates) > 0.85 * Math.max(...rates), rates.join(' '));
});

test('larger batches take longer in every class of cards, and less for each mouth', () => {
  for (const { name, times: classTimes } of CARD_CLASSES) {
    for (let at = 1; at < classTimes.length; at += 1) {
      const [smaller, larger] = [classTimes[at - 1], classTimes[at]];
      assert.ok(larger.ms > smaller.ms, name);
      assert.ok(larger.ms / larger.size <= smaller.ms / smaller.size, name);
    }
  }
});
