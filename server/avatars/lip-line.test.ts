import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAME_GEOMETRY as FIELD, GEOMETRY_SIZE } from './avatar.ts';
import { cropLuma, findLipLine, sharpenLipLine } from './lip-line.ts';

const NEAR = { left: [38, 50], middle: [64, 52], right: [90, 50] } as const;
/** A mouth line like a flat bow whose middle lies 1.4 pixels above, and whose corners lie 0.8 below the landmarks'. */
const bow = (u: number) => 50.8 - 0.2 * (1 - ((u - 64) / 26) ** 2);
/** Lips of brightness 120 with a shadow of a pixel's width between them, in light that falls off sideways and downwards. */
const lips = (depth: number) => (u: number, v: number) =>
  120 + 0.3 * u - 0.8 * v - depth * Math.exp(-((v - bow(u)) ** 2) / 0.8);

test('the shadow between the lips is found to a quarter of a pixel', () => {
  const line = findLipLine(lips(40), NEAR);
  assert.ok(line);
  for (const [u, v] of [line.left, line.middle, line.right]) assert.ok(Math.abs(v - bow(u)) < 0.25, `${v} at ${u}`);
});

test('lips without a shadow between them have no line', () => {
  assert.equal(findLipLine(lips(0), NEAR), null);
  assert.equal(findLipLine(lips(1.5), NEAR), null);
});

test('a mouth too small to be looked at has no line', () => {
  assert.equal(findLipLine(lips(40), { left: [60, 50], middle: [64, 50], right: [68, 50] }), null);
});

function clip(frameCount: number): Float32Array {
  const geometry = new Float32Array(frameCount * GEOMETRY_SIZE);
  for (let frame = 0; frame < frameCount; frame++) {
    const fields = [...NEAR.left, ...NEAR.right, ...NEAR.middle];
    geometry.set(fields, frame * GEOMETRY_SIZE + FIELD.LEFT_U);
  }
  return geometry;
}

test('a clip gets its line even in frames that hide it', () => {
  const geometry = clip(12);
  sharpenLipLine(geometry, (frame) => lips(frame === 5 ? 0 : 40));
  for (let frame = 0; frame < 12; frame++) {
    assert.ok(Math.abs(geometry[frame * GEOMETRY_SIZE + FIELD.LINE_V] - bow(64)) < 0.25);
    assert.ok(Math.abs(geometry[frame * GEOMETRY_SIZE + FIELD.LEFT_V] - bow(38)) < 0.3);
  }
});

test('a clip in which most frames show no line keeps that of its landmarks', () => {
  const geometry = clip(12);
  sharpenLipLine(geometry, (frame) => lips(frame < 5 ? 40 : 0));
  assert.deepEqual(geometry, clip(12));
});

test('brightness is read in crop coordinates, and outside the picture as at its edge', () => {
  // Eight columns of brightness 0, 10, … 70: at the middle of column i it is 10 i.
  const luma = Uint8Array.from({ length: 64 }, (_, i) => (i % 8) * 10);
  const read = cropLuma(luma, 8, 8, { a: 2, b: 0, tx: 1, ty: 0 });
  assert.ok(Math.abs(read(1, 2) - 25) < 1e-6);
  assert.ok(read(-10, 2) < 1e-6 && Math.abs(read(100, 100) - 70) < 0.1);
});
