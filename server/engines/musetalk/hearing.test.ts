import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelTensor } from '../../models/model.ts';
import type { MouthJob } from '../engine.ts';
import { Hearing, HISTORY_MS, LOOK_AHEAD_MS } from './hearing.ts';

const SIZES = { width: 2, layers: 3, positions: 150, melFrames: 300 };
const SOUND_SAMPLES = (HISTORY_MS + 40 + LOOK_AHEAD_MS) * 16;

/** Answers each feature's loudest mel value so far, and its number; both in every state. */
class FakeEncoder {
  runs = 0;
  readonly positions: number;

  constructor(positions = SIZES.positions) {
    this.positions = positions;
  }

  async run({ input_features }: Record<string, ModelTensor>, { hidden }: Record<string, ModelTensor>): Promise<void> {
    this.runs++;
    assert.deepEqual(input_features.dims, [1, 80, this.positions * 2]);
    assert.deepEqual(hidden.dims, [1, this.positions, 3, 2]);
    const mel = input_features.data as Float32Array;
    for (let i = 0; i < hidden.data.length; i += 2) {
      const position = Math.floor(i / 6);
      hidden.data[i] = position;
      hidden.data[i + 1] = mel[40 * this.positions * 2 + 2 * position];
    }
  }
}

function job(change: Partial<MouthJob> = {}): MouthJob {
  const names = { sessionId: 's', avatarId: 'a', clipName: 'idle_0', clipFrame: 0 };
  return { ...names, generation: 0, frame: 100, features: new Float32Array(SOUND_SAMPLES), ...change };
}

async function listen(hearing: Hearing, change: Partial<MouthJob> = {}): Promise<number[]> {
  const out = new Float32Array(hearing.windowSize);
  await hearing.listen(job(change), out);
  return Array.from({ length: 10 }, (_, t) => out[t * 6]);
}

const count = (from: number) => Array.from({ length: 10 }, (_, t) => from + t);

test('the frame itself owns rows 4 and 5 of its window, whose sound ends the look-ahead after it', async () => {
  const hearing = new Hearing(new FakeEncoder(), SIZES);
  // 3 s of sound are 150 features; the frame begins 200 ms before their end.
  assert.deepEqual(await listen(hearing), count(136));
  const features = new Float32Array(SOUND_SAMPLES);
  for (let n = 0; n < 640; n++) features[HISTORY_MS * 16 + n] = Math.sin(n * n * 0.7);
  const out = new Float32Array(hearing.windowSize);
  await hearing.listen(job({ frame: 200, features }), out);
  const loudness = Array.from({ length: 10 }, (_, t) => out[t * 6 + 1]);
  assert.ok(Math.min(loudness[4], loudness[5]) > Math.max(...loudness.slice(0, 4), ...loudness.slice(7)));
});

test('one answer of the encoder serves the next frame too, and no more', async () => {
  const encoder = new FakeEncoder();
  const hearing = new Hearing(encoder, SIZES);
  assert.deepEqual(await listen(hearing, { frame: 7 }), count(136));
  assert.deepEqual(await listen(hearing, { frame: 8 }), count(138));
  assert.equal(encoder.runs, 1);
  assert.deepEqual(await listen(hearing, { frame: 9 }), count(136));
  assert.equal(encoder.runs, 2);
});

test('a frame that is asked for again is heard once', async () => {
  const encoder = new FakeEncoder();
  const hearing = new Hearing(encoder, SIZES);
  await listen(hearing, { frame: 7 });
  assert.deepEqual(await listen(hearing, { frame: 7 }), count(136));
  assert.equal(encoder.runs, 1);
});

test('frames that were left out, an interrupt, another session or a forgotten one are heard anew', async () => {
  const encoder = new FakeEncoder();
  const hearing = new Hearing(encoder, SIZES);
  await listen(hearing, { frame: 7 });
  await listen(hearing, { frame: 10 });
  assert.equal(encoder.runs, 2);
  await listen(hearing, { frame: 11, generation: 1 });
  assert.equal(encoder.runs, 3);
  await listen(hearing, { frame: 12, generation: 1, sessionId: 'other' });
  assert.equal(encoder.runs, 4);
  await listen(hearing, { frame: 6, generation: 1 });
  assert.equal(encoder.runs, 5);
  hearing.forget('other');
  await listen(hearing, { frame: 13, generation: 1, sessionId: 'other' });
  assert.equal(encoder.runs, 6);
});

test('an answer that is no number fails the frame and is not kept for the next one', async () => {
  const encoder = new FakeEncoder();
  const hearing = new Hearing(encoder, SIZES);
  const features = new Float32Array(SOUND_SAMPLES).fill(Number.NaN);
  await assert.rejects(listen(hearing, { frame: 7, features }), { code: 'engine_failed', message: /no number/ });
  assert.deepEqual(await listen(hearing, { frame: 8 }), count(136));
  assert.equal(encoder.runs, 2);
});

test('an encoder that hears less than a job brings gets the newest of it', async () => {
  const hearing = new Hearing(new FakeEncoder(50), { ...SIZES, positions: 50, melFrames: 100 });
  assert.deepEqual(await listen(hearing), count(36));
});

test('an encoder that hears more gets silence after it', async () => {
  const hearing = new Hearing(new FakeEncoder(1500), { ...SIZES, positions: 1500, melFrames: 3000 });
  assert.deepEqual(await listen(hearing), count(136));
});
