import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelTensor } from '../../models/model.ts';
import type { GraphFacts } from '../../models/musetalk-graphs.ts';
import { FaceDrawer } from './face-drawer.ts';
import { Hearing, HISTORY_MS, LOOK_AHEAD_MS } from './hearing.ts';

const SIZES = { width: 4, layers: 5, positions: 150, melFrames: 300, latent: 2, image: 16 };
const FACTS: GraphFacts = {
  graph: 'unet-decoder',
  model: 'musetalk-1.5',
  contains: ['level'],
  precision: 'fp32',
  weights: 'random',
  sourceSha256: null,
  sizes: SIZES,
};

/** Answers one level, and remembers the sizes of the batches that it got. */
class FakeDecoder {
  readonly batches: number[] = [];
  level = 100;

  async run({ latents }: Record<string, ModelTensor>, { image, level }: Record<string, ModelTensor>): Promise<void> {
    this.batches.push(latents.dims[0]);
    assert.equal(
      latents.data.length,
      latents.dims.reduce((a, b) => a * b),
    );
    assert.deepEqual(image.dims, [latents.dims[0], 16, 16, 3]);
    image.data.fill(latents.data[0]);
    level.data.fill(this.level);
  }
}

function drawer(decoder: FakeDecoder, isPadded: boolean): FaceDrawer {
  const hearing = new Hearing({ run: async () => {} }, SIZES);
  return new FaceDrawer(null, { model: decoder, facts: FACTS }, hearing, { maxBatch: 16, isPadded });
}

function faces(count: number) {
  const frame = {
    latents: new Float32Array(8 * 4).fill(7),
    box: { left: 0, top: 0, right: 2, bottom: 2 },
    mask: new Uint8Array(4),
  };
  const features = new Float32Array((HISTORY_MS + 40 + LOOK_AHEAD_MS) * 16);
  return Array.from({ length: count }, (_, i) => ({
    job: { sessionId: `${i}`, generation: 0, frame: 0, avatarId: 'a', clipName: 'idle_0', clipFrame: 0, features },
    frame,
  }));
}

test('batches are filled up to sizes that a GPU knows, and not where a processor would compute them', async () => {
  const [gpu, processor] = [new FakeDecoder(), new FakeDecoder()];
  const [padded, plain] = [drawer(gpu, true), drawer(processor, false)];
  for (const count of [1, 2, 3, 5, 9, 16]) {
    assert.equal((await padded.draw(faces(count))).length, count);
    assert.equal((await plain.draw(faces(count))).length, count);
  }
  assert.deepEqual(gpu.batches, [1, 2, 4, 8, 16, 16]);
  assert.deepEqual(processor.batches, [1, 2, 3, 5, 9, 16]);
});

test('a picture that is no number is a failure, not a picture', async () => {
  const decoder = new FakeDecoder();
  const faulty = drawer(decoder, false);
  assert.equal((await faulty.draw(faces(1)))[0].picture[0], 7);
  for (const level of [Number.NaN, Number.POSITIVE_INFINITY]) {
    decoder.level = level;
    await assert.rejects(faulty.draw(faces(2)), {
      code: 'engine_failed',
      message: /picture 0 of a batch of 2 is no number/,
    });
  }
});
