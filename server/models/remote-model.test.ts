import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { KserveServer } from '../testing/kserve-server.ts';
import { NARROW_FOLDER } from '../testing/musetalk-narrow.ts';
import { madeUp } from './golden.ts';
import { graphFile, requireGraph, sizeOf } from './musetalk-graphs.ts';
import { OnnxModel } from './onnx-model.ts';
import { RemoteModel, type RemoteModelOptions } from './remote-model.ts';

async function rig(t: TestContext, options: RemoteModelOptions = {}) {
  const server = await KserveServer.open(t, NARROW_FOLDER, ['vae-decoder']);
  const remote = await RemoteModel.open(server.url, 'vae-decoder', options);
  t.after(() => remote.close());
  const path = graphFile(NARROW_FOLDER, 'vae-decoder');
  const facts = await requireGraph(path, 'vae-decoder');
  const [latent, image] = [sizeOf(facts, 'latent'), sizeOf(facts, 'image')];
  const batch = 3;
  const shape = [batch, 4, latent, latent];
  const inputs = { latents: { data: madeUp({ shape, seed: 5, low: -1, high: 1 }), dims: shape } };
  const dims = [batch, image, image, 3];
  const blank = () => ({ image: { data: new Uint8Array(batch * image * image * 3), dims } });
  return { server, remote, path, inputs, blank };
}

test('a model on another machine answers as one in this process, bit for bit', async (t) => {
  const { server, remote, path, inputs, blank } = await rig(t);
  const local = await OnnxModel.open(path);
  t.after(() => local.close());
  const [here, there] = [blank(), blank()];
  await local.run(inputs, here);
  await remote.run(inputs, there);
  assert.deepEqual(there.image.data, here.image.data);
  assert.ok(new Set(there.image.data).size > 10);
  server.moods.push('as-json');
  const told = blank();
  await remote.run(inputs, told);
  assert.deepEqual(told.image.data, here.image.data);
});

test('a run whose connection is lost is tried once more, and only once', async (t) => {
  const { server, remote, inputs, blank } = await rig(t);
  server.moods.push('drop');
  await remote.run(inputs, blank());
  assert.equal(server.runs, 2);
  server.moods.push('drop', 'drop');
  await assert.rejects(remote.run(inputs, blank()), { code: 'engine_failed', message: /the connection was lost \(/ });
  assert.equal(server.runs, 4);
});

test('a refusal is told in the words of the server and is not tried again', async (t) => {
  const { server, remote, inputs, blank } = await rig(t);
  server.moods.push('error');
  await assert.rejects(remote.run(inputs, blank()), {
    code: 'engine_failed',
    message: /models\/vae-decoder\/infer: the server answered 400: \{"error":"unexpected shape for input latents"\}$/,
  });
  assert.equal(server.runs, 1);
});

test('a server that does not answer in time fails the run', async (t) => {
  const { server, remote, inputs, blank } = await rig(t, { limitMs: 150 });
  server.moods.push('silent');
  await assert.rejects(remote.run(inputs, blank()), /no answer within 150 ms$/);
});

test('an answer of the wrong shape, without outputs or too long is refused', async (t) => {
  const { server, remote, inputs, blank } = await rig(t);
  server.moods.push('wrong-shape', 'no-outputs', 'endless');
  await assert.rejects(remote.run(inputs, blank()), /output image must be UINT8\[3,.*\], got UINT8\[1,3,/);
  await assert.rejects(remote.run(inputs, blank()), /its outputs must include image$/);
  await assert.rejects(remote.run(inputs, blank()), /the answer must have at most \d+ bytes, got more$/);
});

test('more runs than may be under way are refused at once', async (t) => {
  const { server, remote, inputs, blank } = await rig(t, { maxRuns: 1 });
  server.moods.push('silent');
  const waiting = remote.run(inputs, blank());
  await assert.rejects(remote.run(inputs, blank()), /at most 1 runs may be under way$/);
  await remote.close();
  await assert.rejects(waiting, { code: 'engine_failed' });
  await assert.rejects(remote.run(inputs, blank()), /the model is closed$/);
});

test('a server that is not there, lacks the model or is not ready is told when it is opened', async (t) => {
  const { server } = await rig(t);
  await assert.rejects(
    RemoteModel.open(server.url, 'unet'),
    /the model must be ready \(200\), the server answered 404$/,
  );
  server.isReady = false;
  await assert.rejects(RemoteModel.open(`${server.url}/`, 'vae-decoder'), /the server answered 503$/);
  await assert.rejects(RemoteModel.open('http://127.0.0.1:1', 'unet'), {
    code: 'engine_failed',
    message: /^http:\/\/127\.0\.0\.1:1\/v2\/models\/unet: the server must answer, it does not \(/,
  });
});
