import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FeatureStream } from './feature-stream.ts';
import { LogMel, MEL_BINS, MEL_SILENCE } from './log-mel.ts';
import { Decimator } from './resampler.ts';

const SPEC = { kind: 'log-mel', historyMs: 80, lookAheadMs: 120 } as const;

const sound = Float32Array.from({ length: 16_000 * 4 }, (_, n) => 0.3 * Math.sin(n * n * 1e-5));
const chunk = (index: number) => sound.subarray(index * 320, (index + 1) * 320);

test('a frame is ready with the chunk that ends its look-ahead, and not before', () => {
  const stream = new FeatureStream(SPEC);
  for (let pushed = 0; pushed < 7; pushed += 1) stream.push(chunk(pushed));
  assert.equal(stream.isReady(0), false);
  assert.throws(() => stream.window(0), /not ready/);
  stream.push(chunk(7));
  assert.equal(stream.isReady(0), true);
  assert.equal(stream.isReady(1), false);
});

test('a window holds the rows from its history to its look-ahead, with silence before the beginning', () => {
  const stream = new FeatureStream(SPEC);
  for (let pushed = 0; pushed < 40; pushed += 1) stream.push(chunk(pushed));
  const rows = new LogMel().push(sound.subarray(0, 40 * 320));
  const first = stream.window(0);
  assert.equal(first.length, 24 * MEL_BINS);
  assert.ok(first.subarray(0, 8 * MEL_BINS).every((value) => value === MEL_SILENCE));
  assert.deepEqual(first.subarray(8 * MEL_BINS), rows.subarray(0, 16 * MEL_BINS));
  assert.deepEqual(stream.window(10), rows.slice(32 * MEL_BINS, 56 * MEL_BINS));
});

test('windows stay right when the ring has wrapped many times', () => {
  const stream = new FeatureStream({ kind: 'log-mel', historyMs: 30, lookAheadMs: 20 });
  const rows = new LogMel().push(sound);
  for (let pushed = 0; pushed < 200; pushed += 1) {
    stream.push(chunk(pushed));
    const frame = Math.floor(pushed / 2) - 1;
    if (frame < 1) continue;
    const from = frame * 4 - 3;
    assert.deepEqual(stream.window(frame), rows.slice(from * MEL_BINS, (from + 9) * MEL_BINS), `frame ${frame}`);
  }
});

test('a frame older than a second is refused, not answered with other sound', () => {
  const stream = new FeatureStream(SPEC);
  for (let pushed = 0; pushed < 120; pushed += 1) stream.push(chunk(pushed));
  assert.throws(() => stream.window(2), /rows are gone/);
});

test('an engine that hears nothing gets an empty window, at the same time as one that does', () => {
  const stream = new FeatureStream({ kind: 'none', historyMs: 0, lookAheadMs: 40 });
  for (let pushed = 0; pushed < 3; pushed += 1) stream.push(chunk(pushed));
  assert.equal(stream.isReady(0), false);
  stream.push(chunk(3));
  assert.equal(stream.window(0).length, 0);
});

test('an engine that hears the sound itself gets its samples from the history to the look-ahead, however often the ring wraps', () => {
  const stream = new FeatureStream({ kind: 'sound', historyMs: 100, lookAheadMs: 60 });
  for (let pushed = 0; pushed < 200; pushed += 1) {
    stream.push(chunk(pushed));
    const frame = Math.floor((pushed + 1 - 3) / 2) - 1;
    if (frame < 0) continue;
    const window = stream.window(frame);
    const from = frame * 640 - 1600;
    const wanted = Float32Array.from({ length: 3200 }, (_, n) => (from + n < 0 ? 0 : sound[from + n]));
    assert.deepEqual(window, wanted, `frame ${frame}`);
  }
});

test('a click at 48 kHz is loudest in the row of its own 10 ms', () => {
  const heard = new Float32Array(960 * 20);
  const clickMs = 200;
  heard[clickMs * 48] = 1;
  const decimator = new Decimator();
  const stream = new FeatureStream({ kind: 'log-mel', historyMs: 0, lookAheadMs: 0 });
  for (let at = 0; at < heard.length; at += 960) stream.push(decimator.process(heard.subarray(at, at + 960)));
  const energy = Array.from({ length: 10 }, (_, frame) => stream.window(frame)).flatMap((window) =>
    [0, 1, 2, 3].map((row) => window[row * MEL_BINS + 40]),
  );
  const loudest = energy.indexOf(Math.max(...energy));
  // The middle of row k's window is heard at 10k − 3.4 ms: row 20 is 3.4 ms from the click, row 21 6.6 ms.
  assert.equal(loudest, clickMs / 10);
});

test('times that are no such multiples are refused', () => {
  assert.throws(() => new FeatureStream({ ...SPEC, historyMs: 15 }), /historyMs must be/);
  assert.throws(() => new FeatureStream({ ...SPEC, lookAheadMs: 30 }), /lookAheadMs must be/);
  assert.throws(() => new FeatureStream(SPEC).push(new Float32Array(160)), /320/);
});
