import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Frame, frameSizeBytes } from '../codecs/frame.ts';
import { CROP_SIZE_PX } from './avatar.ts';
import { Composer, type MouthDrawing } from './compose.ts';

const SIZE_PX = 256;
const GRID_SIZE = 33;
const OVERLAY_PX = 128;

function picture(
  luma: (x: number, y: number) => number,
  chroma: (x: number, y: number, plane: number) => number,
): Frame {
  const data = new Uint8Array(new SharedArrayBuffer(frameSizeBytes(SIZE_PX, SIZE_PX)));
  const half = SIZE_PX / 2;
  for (let y = 0; y < SIZE_PX; y++) for (let x = 0; x < SIZE_PX; x++) data[y * SIZE_PX + x] = luma(x, y);
  for (let p = 0; p < 2; p++) {
    const start = SIZE_PX * SIZE_PX + p * half * half;
    for (let y = 0; y < half; y++) for (let x = 0; x < half; x++) data[start + y * half + x] = chroma(x, y, p);
  }
  return { widthPx: SIZE_PX, heightPx: SIZE_PX, data };
}

/** Smooth texture, so that bilinear sampling has no steps to get wrong. */
const smooth = picture(
  (x, y) => 128 + 60 * Math.sin(x / 9) * Math.cos(y / 7),
  (x, y, plane) => 128 + 40 * Math.sin(x / 6 + plane) * Math.cos(y / 8),
);

const empty = (): Frame =>
  picture(
    () => 0,
    () => 0,
  );

function geometry(scale: number, angleRad: number, tx: number, ty: number): Float32Array {
  const [a, b] = [scale * Math.cos(angleRad), scale * Math.sin(angleRad)];
  return Float32Array.of(a, b, tx, ty, 38, 52, 90, 52, 64, 52, 64, 92, 7, 121);
}

function flowOf(vector: (u: number, v: number) => [number, number]): Float32Array {
  const flow = new Float32Array(GRID_SIZE * GRID_SIZE * 2);
  for (let j = 1; j < GRID_SIZE - 1; j++) {
    for (let i = 1; i < GRID_SIZE - 1; i++) flow.set(vector(i * 4, j * 4), (j * GRID_SIZE + i) * 2);
  }
  return flow;
}

function overlayOf(texel: (u: number, v: number) => [number, number, number, number]): Uint8Array {
  const overlay = new Uint8Array(OVERLAY_PX * OVERLAY_PX * 4);
  for (let v = 0; v < OVERLAY_PX; v++) {
    for (let u = 0; u < OVERLAY_PX; u++) overlay.set(texel(u, v), (v * OVERLAY_PX + u) * 4);
  }
  return overlay;
}

function drawing(flow: Float32Array | null, overlay: Uint8Array | null): MouthDrawing {
  return { gridSize: GRID_SIZE, flow, sizePx: OVERLAY_PX, overlay };
}

function composed(base: Frame, at: Float32Array, mouth: MouthDrawing | null): Uint8Array {
  const out = empty();
  new Composer().compose(out, base, at, mouth);
  return out.data;
}

const luma = (data: Uint8Array, x: number, y: number): number => data[y * SIZE_PX + x];
const chroma = (data: Uint8Array, x: number, y: number, plane: number): number =>
  data[SIZE_PX * SIZE_PX + plane * (SIZE_PX / 2) ** 2 + (y * SIZE_PX) / 2 + x];

test('nothing to draw gives the base picture bit for bit', () => {
  const at = geometry(1.4, 0.2, 60, 20);
  const still = drawing(
    flowOf(() => [0, 0]),
    overlayOf(() => [255, 255, 255, 0]),
  );
  for (const mouth of [null, drawing(null, null), still]) assert.deepEqual(composed(smooth, at, mouth), smooth.data);
});

test('a shift by two crop pixels moves a checkerboard by exactly four picture pixels', () => {
  const board = picture(
    (x, y) => (((x >> 2) + (y >> 3)) % 2 ? 200 : 40),
    (x, y) => (((x >> 1) + (y >> 2)) % 2 ? 160 : 90),
  );
  const out = composed(
    board,
    geometry(2, 0, 0, 0),
    drawing(
      flowOf(() => [2, 0]),
      null,
    ),
  );
  for (let y = 20; y < SIZE_PX - 20; y++) {
    for (let x = 20; x < SIZE_PX - 20; x++) assert.equal(luma(out, x, y), luma(board.data, x + 4, y));
  }
  for (let y = 10; y < 118; y++) {
    for (let x = 10; x < 118; x++) assert.equal(chroma(out, x, y, 1), chroma(board.data, x + 2, y, 1));
  }
});

test('an opaque overlay of one colour gives exactly that colour in BT.709 limited range', () => {
  const red = overlayOf((u, v) => (u >= 40 && u < 90 && v >= 40 && v < 70 ? [255, 0, 0, 255] : [0, 0, 0, 0]));
  const out = composed(smooth, geometry(1.5, 0.1, 40, 20), drawing(null, red));
  assert.equal(luma(out, 130, 105), 63);
  assert.equal(chroma(out, 65, 52, 0), 102);
  assert.equal(chroma(out, 65, 52, 1), 240);
});

test('the edge of a white overlay is never darker than the picture and the overlay', () => {
  const grey = picture(
    () => 180,
    () => 128,
  );
  const white = overlayOf((u) => (u < 64 ? [255, 255, 255, 255] : [0, 0, 0, 0]));
  const out = composed(grey, geometry(1.9, 0, 3, 3), drawing(null, white));
  assert.ok(out.subarray(0, SIZE_PX * SIZE_PX).every((y) => y >= 180 && y <= 235));
});

test('half transparency mixes both halves, whatever colour transparent texels have', () => {
  const grey = picture(
    () => 100,
    () => 128,
  );
  const half = overlayOf((u) => (u < 64 ? [255, 255, 255, 128] : [0, 255, 0, 0]));
  const out = composed(grey, geometry(2, 0, 0, 0), drawing(null, half));
  assert.equal(luma(out, 50, 50), Math.round(100 + (235 - 100) * (128 / 255)));
  assert.equal(chroma(out, 60, 50, 0), 128);
});

test('pixels outside the crop are left alone', () => {
  const at = geometry(1, 0.3, 90, 40);
  const out = composed(
    smooth,
    at,
    drawing(
      flowOf(() => [5, 3]),
      overlayOf(() => [9, 9, 9, 255]),
    ),
  );
  let changed = 0;
  for (let y = 0; y < SIZE_PX; y++) {
    for (let x = 0; x < SIZE_PX; x++) {
      const { u, v } = toCrop(at, x + 0.5, y + 0.5);
      const isInside = u > -1 && v > -1 && u < CROP_SIZE_PX + 1 && v < CROP_SIZE_PX + 1;
      if (!isInside) assert.equal(luma(out, x, y), luma(smooth.data, x, y));
      else if (luma(out, x, y) !== luma(smooth.data, x, y)) changed++;
    }
  }
  assert.ok(changed > 10_000);
});

test('a turned, scaled crop that hangs over the picture matches the slow formula within two levels', () => {
  const at = geometry(1.7, -0.25, 50, 90);
  const fade = (u: number, v: number): number => Math.sin((Math.PI * u) / 128) * Math.sin((Math.PI * v) / 128);
  const wave = flowOf((u, v) => [6 * Math.sin(v / 11) * fade(u, v), 8 * Math.cos(u / 17) * fade(u, v)]);
  const spots = overlayOf((u, v) => [u * 2, v * 2, 90, 255 * Math.max(0, Math.sin(u / 8) * Math.sin(v / 9))]);
  const out = composed(smooth, at, drawing(wave, spots));
  for (let y = 0; y < SIZE_PX; y++) {
    for (let x = 0; x < SIZE_PX; x++) {
      const expected = slowLuma(smooth, at, wave, spots, x, y);
      assert.ok(Math.abs(luma(out, x, y) - expected) <= 2, `(${x}, ${y}): ${luma(out, x, y)}, expected ${expected}`);
    }
  }
});

test('a composer may go on with a picture of another size', () => {
  const composer = new Composer();
  const mouth = drawing(
    flowOf(() => [1, 1]),
    null,
  );
  const small: Frame = { widthPx: 64, heightPx: 32, data: new Uint8Array(64 * 32 * 1.5).fill(77) };
  const smallOut: Frame = { ...small, data: new Uint8Array(64 * 32 * 1.5) };
  composer.compose(empty(), smooth, geometry(2, 0, 0, 0), mouth);
  composer.compose(smallOut, small, geometry(2, 0, 0, 0), mouth);
  assert.ok(smallOut.data.every((value) => value === 77));
});

test('sizes that do not fit are refused', () => {
  const at = geometry(1, 0, 0, 0);
  const small: Frame = { widthPx: 64, heightPx: 32, data: new Uint8Array(64 * 32 * 1.5) };
  assert.throws(() => new Composer().compose(small, smooth, at, null), /has 98304 bytes; got base 98304, out 3072/);
  assert.throws(() => composed(smooth, at, drawing(new Float32Array(8), null)), RangeError);
  assert.throws(() => composed(smooth, at, drawing(null, new Uint8Array(8))), RangeError);
  assert.throws(() => composed(smooth, geometry(-1, 0, 0, 0), null), /turned by 90 degrees/);
});

function toCrop(at: Float32Array, x: number, y: number): { u: number; v: number } {
  const [a, b, tx, ty] = at;
  const area = a * a + b * b;
  return { u: (a * (x - tx) + b * (y - ty)) / area, v: (a * (y - ty) - b * (x - tx)) / area };
}

/** The formula of `MouthPatch`, word by word, in floating point. */
function slowLuma(
  base: Frame,
  at: Float32Array,
  flow: Float32Array,
  overlay: Uint8Array,
  x: number,
  y: number,
): number {
  const [a, b] = at;
  const { u, v } = toCrop(at, x + 0.5, y + 0.5);
  const node = (i: number, j: number, k: number): number =>
    i < 0 || j < 0 || i >= GRID_SIZE || j >= GRID_SIZE ? 0 : flow[(j * GRID_SIZE + i) * 2 + k];
  const du = bilinear((i, j) => node(i, j, 0), u / 4, v / 4);
  const dv = bilinear((i, j) => node(i, j, 1), u / 4, v / 4);
  const limit = (value: number): number => Math.min(Math.max(value, 0), SIZE_PX - 1);
  const fromX = limit(x + a * du - b * dv);
  const fromY = limit(y + b * du + a * dv);
  const skin = bilinear((i, j) => luma(base.data, limit(i), limit(j)), fromX, fromY);

  const isTexel = (i: number, j: number): boolean => i >= 0 && j >= 0 && i < OVERLAY_PX && j < OVERLAY_PX;
  const alphaAt = (i: number, j: number): number => (isTexel(i, j) ? overlay[(j * OVERLAY_PX + i) * 4 + 3] / 255 : 0);
  const paintAt = (i: number, j: number): number => {
    if (!isTexel(i, j)) return 0;
    const [r, g, blue] = overlay.subarray((j * OVERLAY_PX + i) * 4);
    return alphaAt(i, j) * (16 + ((0.2126 * r + 0.7152 * g + 0.0722 * blue) * 219) / 255);
  };
  return bilinear(paintAt, u - 0.5, v - 0.5) + (1 - bilinear(alphaAt, u - 0.5, v - 0.5)) * skin;
}

function bilinear(at: (i: number, j: number) => number, x: number, y: number): number {
  const i = Math.floor(x);
  const j = Math.floor(y);
  const top = at(i, j) + (at(i + 1, j) - at(i, j)) * (x - i);
  const bottom = at(i, j + 1) + (at(i + 1, j + 1) - at(i, j + 1)) * (x - i);
  return top + (bottom - top) * (y - j);
}
