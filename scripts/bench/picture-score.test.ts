import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Luma, meanDifference, scorePicture } from './picture-score.ts';

const SIZE = 32;
const everywhere = new Uint8Array(SIZE * SIZE).fill(1);

function luma(at: (x: number, y: number) => number): Luma {
  return {
    sizePx: SIZE,
    data: Float32Array.from({ length: SIZE * SIZE }, (_, i) => at(i % SIZE, Math.floor(i / SIZE))),
  };
}

const stripes = luma((x) => (x % 8 < 4 ? 60 : 180));

test('a picture is as similar to itself as can be, and exactly as sharp', () => {
  const score = scorePicture(stripes, stripes, everywhere);
  assert.ok(score.psnrDb > 100);
  assert.ok(Math.abs(score.ssim - 1) < 1e-6);
  assert.equal(score.sharpness, 1);
});

test('an error of ten levels everywhere is 28.1 dB', () => {
  const brighter = luma((x) => (x % 8 < 4 ? 70 : 190));
  assert.ok(Math.abs(scorePicture(brighter, stripes, everywhere).psnrDb - 28.13) < 0.01);
  assert.ok(Math.abs(meanDifference(brighter, stripes, everywhere) - 10) < 1e-6);
});

test('a blurred picture is less sharp and less similar', () => {
  const blurred = luma((x) => 120 - 60 * Math.cos(((x - 1.5) / 8) * 2 * Math.PI) * 0.5);
  const score = scorePicture(blurred, stripes, everywhere);
  assert.ok(score.sharpness < 0.7);
  assert.ok(score.ssim < 0.9);
});

test('what lies outside the region does not count', () => {
  const half = everywhere.map((_, i) => (i % SIZE < 16 ? 1 : 0));
  const other = luma((x) => (x < 20 ? (x % 8 < 4 ? 60 : 180) : 0));
  assert.ok(scorePicture(other, stripes, half).psnrDb > 100);
  assert.ok(scorePicture(other, stripes, everywhere).psnrDb < 20);
});
