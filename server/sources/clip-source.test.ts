import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClipSource } from './clip-source.ts';
import { SilenceSource } from './silence-source.ts';

test('a clip is played once, the rest of its last chunk is zeros, and then it ends', () => {
  const source = new ClipSource(new Float32Array(1000).fill(0.5));
  const out = new Float32Array(960).fill(9);
  assert.equal(source.read(out).kind, 'sound');
  assert.ok(out.every((value) => value === 0.5));
  assert.equal(source.read(out).kind, 'sound');
  assert.ok(out.every((value, n) => value === (n < 40 ? 0.5 : 0)));
  for (let i = 0; i < 2; i += 1) {
    assert.equal(source.read(out).kind, 'end');
    assert.ok(out.every((value) => value === 0));
  }
});

test('zeros within a clip are silence, and the clip goes on after them', () => {
  const samples = new Float32Array(960 * 3).fill(0.1);
  samples.fill(0, 960, 1920);
  const source = new ClipSource(samples);
  const out = new Float32Array(960);
  assert.deepEqual(
    Array.from({ length: 4 }, () => source.read(out).kind),
    ['sound', 'silence', 'sound', 'end'],
  );
});

test('a clip that is interrupted or closed ends', () => {
  const out = new Float32Array(960);
  for (const stop of ['clear', 'close'] as const) {
    const source = new ClipSource(new Float32Array(9600).fill(0.1));
    source.read(out);
    source[stop]();
    assert.equal(source.read(out).kind, 'end', stop);
  }
});

test('silence goes on for ever, also after an interrupt, and ends when it is closed', () => {
  const source = new SilenceSource();
  const out = new Float32Array(960).fill(1);
  source.clear();
  const read = source.read(out);
  assert.equal(read.kind, 'silence');
  assert.ok(Number.isNaN(read.arrivedMs));
  assert.ok(out.every((value) => value === 0));
  source.close();
  source.close();
  assert.equal(source.read(out).kind, 'end');
});
