import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opusDurationSamples } from './opus-duration.ts';

/** Configurations of RFC 6716 table 2 with their frame's length in ms. */
const FRAME_MS: readonly [number, number][] = [
  [0, 10],
  [3, 60],
  [9, 20],
  [12, 10],
  [15, 20],
  [16, 2.5],
  [29, 5],
  [31, 20],
];

test('the duration follows the table of the standard, for one and for two frames', () => {
  for (const [config, ms] of FRAME_MS) {
    assert.equal(opusDurationSamples(Uint8Array.of(config << 3)), ms * 48, `config ${config}`);
    assert.equal(opusDurationSamples(Uint8Array.of((config << 3) | 1)), 2 * ms * 48, `config ${config}, two frames`);
  }
});

test('a packet of many frames says how many in its second byte, up to 120 ms', () => {
  assert.equal(opusDurationSamples(Uint8Array.of((31 << 3) | 3, 6)), 5760);
  assert.equal(opusDurationSamples(Uint8Array.of((31 << 3) | 3, 7)), null);
  assert.equal(opusDurationSamples(Uint8Array.of((31 << 3) | 3, 0)), null);
  assert.equal(opusDurationSamples(Uint8Array.of((31 << 3) | 3)), null);
});

test('no bytes are no packet', () => {
  assert.equal(opusDurationSamples(new Uint8Array(0)), null);
});
