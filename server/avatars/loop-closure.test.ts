import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameSizeBytes } from '../codecs/frame.ts';
import { closesLoop, glimpse } from './loop-closure.ts';

/** A bright bar that stands at a place across the picture, 0..1. */
function bar(place: number) {
  const data = new Uint8Array(frameSizeBytes(96, 96)).fill(16);
  for (let y = 0; y < 96; y++) {
    for (let x = 0; x < 96; x++) data[y * 96 + x] = 16 + 200 * Math.exp(-(((x / 96 - place) * 8) ** 2));
  }
  return glimpse({ widthPx: 96, heightPx: 96, data });
}

const clip = (frameCount: number, placeAt: (share: number) => number) =>
  Array.from({ length: frameCount }, (_, i) => bar(placeAt(i / frameCount)));

test('a movement that comes back is a loop', () => {
  assert.equal(closesLoop(clip(50, (share) => 0.5 + 0.3 * Math.sin(2 * Math.PI * share))), true);
});

test('a movement that ends elsewhere is no loop', () => {
  assert.equal(closesLoop(clip(50, (share) => 0.2 + 0.6 * share)), false);
});

test('a still picture is a loop', () => {
  assert.equal(closesLoop(clip(1, () => 0.5)), true);
  assert.equal(closesLoop(clip(9, () => 0.5)), true);
});
