import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { MEL_BINS } from '../../audio/log-mel.ts';
import { MOUTH_PARAMETERS } from '../engine.ts';
import { STATE_SIZE, STEP_ROWS, VoiceNetwork } from './voice-network.ts';

const network = await VoiceNetwork.open();
after(() => network.close());

test('what the network heard before changes what it says now', async () => {
  const state = new Float32Array(STATE_SIZE);
  const first = new Float32Array(MOUTH_PARAMETERS.length);
  const second = new Float32Array(MOUTH_PARAMETERS.length);
  const rows = Float32Array.from({ length: STEP_ROWS * MEL_BINS }, (_, i) => -3 + Math.sin(i));
  await network.step(rows, state, first);
  assert.ok(state.some((value) => value !== 0));
  await network.step(rows, state, second);
  assert.notDeepEqual(first, second);
});

test('features of another shape are a failure that leaves the state alone', async () => {
  const state = new Float32Array(STATE_SIZE);
  const mouth = new Float32Array(MOUTH_PARAMETERS.length);
  await assert.rejects(network.step(new Float32Array(80), state, mouth), { code: 'engine_failed' });
  assert.ok(state.every((value) => value === 0));
});

test('a network that is closed says so, and closes twice', async () => {
  const other = await VoiceNetwork.open();
  await other.close();
  await other.close();
  const [state, mouth] = [new Float32Array(STATE_SIZE), new Float32Array(MOUTH_PARAMETERS.length)];
  await assert.rejects(other.step(new Float32Array(STEP_ROWS * MEL_BINS), state, mouth), { code: 'engine_failed' });
});

test('answers other than those in training are refused', async () => {
  await assert.rejects(VoiceNetwork.open([[0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]]), {
    code: 'engine_failed',
    message:
      /int8\.onnx does not fit .*golden\.json: its answers differ by 0\.\d+, expected at most 0\.01; .*voice-to-mouth\.onnx does not fit/,
  });
});
