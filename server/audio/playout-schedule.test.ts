import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArrivalMeter } from './arrival-meter.ts';
import { DelayTarget } from './delay-target.ts';
import { PlayoutSchedule } from './playout-schedule.ts';
import { SlidingMinimum } from './sliding-minimum.ts';

test('the base is the quickest transit and the lateness what 97 of 100 packets keep', () => {
  const meter = new ArrivalMeter();
  // One packet in ten is 15 ms late, one in fifty 90 ms.
  for (let i = 0; i < 1000; i += 1) {
    const lateMs = i % 50 === 7 ? 90 : i % 10 === 3 ? 15 : 0;
    meter.add(i * 20, i * 20 + 30 + lateMs, 20);
  }
  assert.equal(meter.baseMs, 30);
  assert.equal(meter.latenessMs, 15);
});

test('lateness grows within half a second and shrinks by 2 ms a second', () => {
  const meter = new ArrivalMeter();
  let i = 0;
  const run = (count: number, lateMs: (i: number) => number) => {
    for (const end = i + count; i < end; i += 1) meter.add(i * 20, i * 20 + lateMs(i), 20);
  };
  run(500, () => 0);
  run(40, (n) => (n % 2) * 40);
  assert.equal(meter.latenessMs, 40);
  run(500, () => 0);
  assert.ok(meter.latenessMs > 18, `${meter.latenessMs} ms after 10 s`);
  run(1500, () => 0);
  assert.equal(meter.latenessMs, 0);
});

test('a single stall of 300 ms does not count as jitter', () => {
  const meter = new ArrivalMeter();
  for (let i = 0; i < 500; i += 1) meter.add(i * 20, i >= 100 && i < 115 ? 115 * 20 : i * 20, 20);
  assert.ok(meter.latenessMs < 1, `${meter.latenessMs} ms`);
});

test('drift is measured to 5 ppm within a minute in spite of jitter', () => {
  for (const ppm of [150, 0, -80]) {
    const meter = new ArrivalMeter();
    for (let i = 0; i < 3000; i += 1) meter.add(i * 20, (i * 20) / (1 + ppm / 1e6) + ((i * 7) % 13), 20);
    assert.ok(Math.abs(meter.driftPpm - ppm) < 5, `${meter.driftPpm} instead of ${ppm}`);
  }
});

test('the delay is the smallest that ends on a packet border and leaves the margin', () => {
  for (let phaseMs = 0; phaseMs < 20; phaseMs += 1) {
    const delayMs = new DelayTarget(6, 200).update(phaseMs, 0, 20, 0);
    assert.ok(delayMs >= 6 && delayMs < 29.5, `${delayMs}`);
    assert.ok(Math.abs((delayMs - phaseMs - 0.25) % 20) < 1e-9, `${delayMs} at phase ${phaseMs}`);
  }
});

test('packets shorter than a chunk are waited for until the last of a chunk is there', () => {
  const delayMs = new DelayTarget(6, 200).update(5, 0, 5, 0);
  assert.ok(delayMs >= 21 && delayMs < 30, `${delayMs}`);
});

test('a phase that trembles around the border does not make the delay jump', () => {
  const target = new DelayTarget(6, 200);
  const delays = new Set<number>();
  for (let i = 0; i < 100; i += 1) delays.add(Math.round(target.update(6 + (i % 3) - 1, 0, 20, 0)));
  assert.ok(Math.max(...delays) - Math.min(...delays) <= 3, [...delays].join());
});

test('the delay never exceeds its limit', () => {
  const target = new DelayTarget(6, 200);
  for (let phaseMs = 0; phaseMs < 20; phaseMs += 1) assert.ok(target.update(phaseMs, 0, 20, 900) <= 200);
  assert.throws(() => new DelayTarget(100, 120), RangeError);
});

test('the wanted position moves by exactly one chunk per chunk, however late the reads are', () => {
  const schedule = new PlayoutSchedule(6, 200);
  let last = Number.NaN;
  for (let chunk = 0; chunk < 400; chunk += 1) {
    schedule.onPacket(5000 + chunk * 960, 960, chunk * 20 + 33);
    const wanted = schedule.onRead(chunk * 960, 40 + chunk * 20 + ((chunk * 5) % 9));
    if (chunk > 10) assert.ok(Math.abs(wanted - last - 960) < 1e-6, `chunk ${chunk}: ${wanted - last}`);
    last = wanted;
  }
});

test('before the first packet no position is wanted', () => {
  assert.ok(Number.isNaN(new PlayoutSchedule(6, 200).onRead(0, 0)));
});

test('a sliding minimum forgets a value after one to two windows', () => {
  const minimum = new SlidingMinimum(100);
  assert.equal(minimum.add(1, 0), 1);
  assert.equal(minimum.add(5, 99), 1);
  assert.equal(minimum.add(5, 150), 1);
  assert.equal(minimum.add(5, 260), 5);
});
