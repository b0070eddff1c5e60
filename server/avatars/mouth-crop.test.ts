import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Frame, frameSizeBytes } from '../codecs/frame.ts';
import { GEOMETRY_SIZE } from './avatar.ts';
import { CROP_PLANE_SIZE, cutMouth, MOUTH_CROP_BYTES } from './mouth-crop.ts';

const PLANE = CROP_PLANE_SIZE * CROP_PLANE_SIZE;

/** A picture whose luma is `luma(x, y)` at the middle of each pixel, with U and V likewise in luma pixels. */
function picture(sizePx: number, luma: (x: number, y: number) => number, chroma = luma): Frame {
  const data = new Uint8Array(frameSizeBytes(sizePx, sizePx));
  const half = sizePx / 2;
  for (let y = 0; y < sizePx; y++) for (let x = 0; x < sizePx; x++) data[y * sizePx + x] = luma(x + 0.5, y + 0.5);
  for (let plane = 0; plane < 2; plane++) {
    const first = sizePx * sizePx + plane * half * half;
    for (let y = 0; y < half; y++) {
      for (let x = 0; x < half; x++) data[first + y * half + x] = chroma(2 * x + 1, 2 * y + 1) + plane;
    }
  }
  return { widthPx: sizePx, heightPx: sizePx, data };
}

function geometry(a: number, b: number, tx: number, ty: number): Float32Array {
  const fields = new Float32Array(GEOMETRY_SIZE);
  fields.set([a, b, tx, ty]);
  return fields;
}

function cut(frame: Frame, place: Float32Array): Uint8Array {
  const planes = new Uint8Array(MOUTH_CROP_BYTES);
  cutMouth(frame, place, planes);
  return planes;
}

test('a crop as large as its part of the picture has that part, pixel by pixel', () => {
  const frame = picture(256, (x, y) => (x * 7 + y * 13) % 251);
  const planes = cut(frame, geometry(1, 0, 40, 20));
  for (const [i, j] of [
    [0, 0],
    [5, 9],
    [63, 63],
  ]) {
    for (let k = 0; k < 4; k++) {
      const [x, y] = [40 + 2 * i + (k % 2), 20 + 2 * j + (k >> 1)];
      assert.equal(planes[k * PLANE + j * 64 + i], frame.data[y * 256 + x]);
    }
    const at = (20 / 2 + j) * 128 + 40 / 2 + i;
    assert.equal(planes[4 * PLANE + j * 64 + i], frame.data[256 * 256 + at]);
    assert.equal(planes[5 * PLANE + j * 64 + i], frame.data[256 * 256 + 128 * 128 + at]);
  }
});

test('a crop that is turned and enlarged is read where its transform says', () => {
  const frame = picture(512, (x, y) => 20 + x * 0.3 + y * 0.1);
  const [a, b, tx, ty] = [1.3, 0.2, 100, 90];
  const planes = cut(frame, geometry(a, b, tx, ty));
  for (const [u, v] of [
    [0.5, 0.5],
    [64.5, 52.5],
    [126.5, 120.5],
  ]) {
    const [i, j] = [(u - 0.5) / 2, (v - 0.5) / 2];
    const [x, y] = [a * u - b * v + tx, b * u + a * v + ty];
    assert.ok(Math.abs(planes[j * 64 + i] - (20 + x * 0.3 + y * 0.1)) < 1.5);
  }
});

test('a large face is averaged, so that fine patterns do not become coarse ones', () => {
  const frame = picture(
    1024,
    (x, y) => ((Math.floor(x) + Math.floor(y)) % 2 === 0 ? 40 : 200),
    () => 128,
  );
  const luma = cut(frame, geometry(4, 0, 100, 100)).subarray(0, 4 * PLANE);
  assert.ok(luma.every((value) => Math.abs(value - 120) <= 2));
});

test('outside the picture its border goes on', () => {
  const planes = cut(
    picture(64, (x) => (x < 32 ? 50 : 180)),
    geometry(1, 0, -500, -500),
  );
  assert.ok(planes.subarray(0, 4 * PLANE).every((value) => value === 50));
});

test('a geometry or a crop of another size is refused', () => {
  const frame = picture(64, () => 0);
  assert.throws(() => cutMouth(frame, new Float32Array(4), new Uint8Array(MOUTH_CROP_BYTES)), RangeError);
  assert.throws(() => cutMouth(frame, geometry(1, 0, 0, 0), new Uint8Array(10)), RangeError);
});
