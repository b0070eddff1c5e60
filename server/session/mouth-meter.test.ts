import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from '../metrics.ts';
import { MouthMeter } from './mouth-meter.ts';

test('new mouths are counted by the second, and the time between them is measured', () => {
  const gaps = new Histogram();
  const meter = new MouthMeter(gaps);
  assert.equal(meter.perSecond, null);
  for (let frame = 0; frame < 50; frame += 1) meter.note(frame < 25 || frame % 5 !== 0);
  assert.equal(meter.perSecond, 20);
  assert.deepEqual(gaps.total, { count: 44, sum: 49 * 40 });
  assert.equal(gaps.summary().max, 80);
});

test('silence is no gap', () => {
  const gaps = new Histogram();
  const meter = new MouthMeter(gaps);
  meter.note(true);
  meter.note(true);
  meter.pause();
  meter.note(true);
  assert.deepEqual(gaps.total, { count: 1, sum: 40 });
});
