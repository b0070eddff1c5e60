import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  FLOW_SIZE,
  MASK_BYTES,
  madeUpFace,
  PICTURE_NETWORK_FILES,
  type PictureGolden,
  PictureNetwork,
} from './picture-network.ts';

const network = await PictureNetwork.open();
after(() => network.close());

const none: PictureGolden = { flow: [], mask: [] };

test('the 8-bit network is used where it computes as it should', () => {
  assert.equal(network.variant, 'int8');
  assert.deepEqual(network.refusals, []);
});

test('all files that are needed are known before anything is loaded', () => {
  assert.deepEqual(
    PICTURE_NETWORK_FILES.map((path) => path.split('/').at(-1)),
    [
      'mouth-to-picture.look.int8.onnx',
      'mouth-to-picture.draw.int8.onnx',
      'mouth-to-picture.look.onnx',
      'mouth-to-picture.draw.onnx',
      'mouth-to-picture.golden.json',
    ],
  );
});

test('answers other than those in training are refused, of every variant', async () => {
  await assert.rejects(PictureNetwork.open(none), {
    code: 'engine_failed',
    message:
      /int8\.onnx does not fit .*golden\.json: its flow and mask differ by .*; .*mouth-to-picture\.draw\.onnx does not fit/,
  });
});

test('inputs of another shape are a failure', async () => {
  await assert.rejects(network.look(new Uint8Array(100)), { code: 'engine_failed' });
  const { planes } = madeUpFace();
  const features = await network.look(planes);
  await assert.rejects(
    network.draw(features, new Float32Array(3), new Float32Array(FLOW_SIZE), new Uint8Array(MASK_BYTES)),
    { code: 'engine_failed' },
  );
});

test('a network that is closed says so, and closes twice', async () => {
  const other = await PictureNetwork.open();
  const { planes, row } = madeUpFace();
  const features = await other.look(planes);
  await other.close();
  await other.close();
  await assert.rejects(other.look(planes), { code: 'engine_failed' });
  await assert.rejects(other.draw(features, row, new Float32Array(FLOW_SIZE), new Uint8Array(MASK_BYTES)), {
    code: 'engine_failed',
  });
});
