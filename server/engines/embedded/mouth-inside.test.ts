import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CROP_SIZE_PX, FRAME_GEOMETRY } from '../../avatars/avatar.ts';
import type { FaceLook } from './face-look.ts';
import { type Inside, OVERLAY_BYTES, OVERLAY_SIZE_PX, paintInside, type TexelBox } from './mouth-inside.ts';
import { GEOMETRY } from './test-avatar.ts';

const light: FaceLook = { skin: 0.6, lip: [180, 110, 105] };
/** An opening as wide as a mouth, from just above the lips' line down to where a jaw drops them. */
const mask = new Uint8Array(CROP_SIZE_PX * CROP_SIZE_PX);
for (let v = 51; v < 66; v++) mask.fill(255, v * CROP_SIZE_PX + 42, v * CROP_SIZE_PX + 87);
const open: Inside = { mask, geometry: GEOMETRY, look: light, jawPx: 12, round: 0, tongue: 0 };

function paint(inside: Inside, overlay = new Uint8Array(OVERLAY_BYTES), painted = emptyBox()): Uint8Array {
  paintInside(inside, overlay, painted);
  return overlay;
}

function emptyBox(): TexelBox {
  return { left: 0, right: 0, top: 0, bottom: 0 };
}

function texelAt(overlay: Uint8Array, u: number, v: number): number[] {
  const at = (Math.floor(v * 2) * OVERLAY_SIZE_PX + Math.floor(u * 2)) * 4;
  return [...overlay.subarray(at, at + 4)];
}

test('an open mouth shows bright teeth above a dark inside', () => {
  const overlay = paint(open);
  const [teeth, inside] = [texelAt(overlay, 61, 53.5), texelAt(overlay, 61, 58)];
  assert.ok(teeth[3] === 255 && inside[3] === 255);
  assert.ok(teeth[1] > 100 && inside[1] < 60, `${teeth} above ${inside}`);
});

test('a stray spot of the mask beside the face is not painted', () => {
  const spotted = mask.slice();
  const sides = [GEOMETRY[FRAME_GEOMETRY.FACE_LEFT_U], GEOMETRY[FRAME_GEOMETRY.FACE_RIGHT_U]];
  const beside = [Math.floor(sides[0]) - 2, Math.ceil(sides[1]) + 1];
  for (const u of beside) spotted[60 * CROP_SIZE_PX + u] = 200;
  const overlay = paint({ ...open, mask: spotted });
  assert.deepEqual(
    beside.map((u) => texelAt(overlay, u + 0.5, 60.5)[3]),
    [0, 0],
  );
  assert.equal(texelAt(overlay, 61, 58)[3], 255);
});

test('teeth are darker in a darker face', () => {
  const dark = paint({ ...open, look: { ...light, skin: 0.15 } });
  assert.ok(texelAt(dark, 61, 53.5)[1] < 0.8 * texelAt(paint(open), 61, 53.5)[1]);
});

test('the lower teeth go down with the jaw, the upper ones stay', () => {
  const near = paint({ ...open, jawPx: 6 });
  assert.ok(texelAt(near, 61, 61.5)[1] > texelAt(paint(open), 61, 61.5)[1] + 40);
  assert.deepEqual(texelAt(near, 61, 53.5), texelAt(paint(open), 61, 53.5));
});

test('nothing is painted outside the mask, and nothing at all without one', () => {
  const overlay = paint(open);
  for (const [u, v] of [
    [64, 48],
    [64, 68],
    [38, 58],
    [92, 58],
  ]) {
    assert.equal(texelAt(overlay, u, v)[3], 0);
  }
  assert.ok(paint({ ...open, mask: new Uint8Array(mask.length) }).every((value) => value === 0));
});

test('the next painting leaves nothing of the last one behind', () => {
  const [overlay, painted] = [new Uint8Array(OVERLAY_BYTES), emptyBox()];
  const small = new Uint8Array(mask.length);
  small.fill(255, 55 * CROP_SIZE_PX + 60, 55 * CROP_SIZE_PX + 70);
  paint(open, overlay, painted);
  paint({ ...open, mask: small }, overlay, painted);
  assert.deepEqual(overlay, paint({ ...open, mask: small }));
});
