import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Frame, frameSizeBytes } from '../codecs/frame.ts';
import { chooseSquare, cutSquare } from './square-cut.ts';

/** Corners of a face's landmarks. */
const face = (left: number, top: number, right: number, bottom: number) => Float32Array.of(left, top, right, bottom);

/** Y rises by 1 per column and by 2 per row, U and V by 1 per column. */
function slope(widthPx: number, heightPx: number): Frame {
  const data = new Uint8Array(frameSizeBytes(widthPx, heightPx));
  for (let y = 0; y < heightPx; y++) for (let x = 0; x < widthPx; x++) data[y * widthPx + x] = x + 2 * y;
  for (let i = widthPx * heightPx; i < data.length; i++) data[i] = (i - widthPx * heightPx) % (widthPx / 2);
  return { widthPx, heightPx, data };
}

test('a square picture is used whole', () => {
  assert.deepEqual(chooseSquare(720, 720, face(10, 10, 60, 60)), { x: 0, y: 0, sizePx: 720 });
});

test('a wide picture is cut around a large face', () => {
  assert.deepEqual(chooseSquare(1920, 1080, face(1000, 200, 1400, 800)), { x: 660, y: 0, sizePx: 1080 });
});

test('a face at the edge is cut within the picture', () => {
  assert.deepEqual(chooseSquare(1920, 1080, face(1500, 200, 1900, 800)), { x: 840, y: 0, sizePx: 1080 });
});

test('a small face in a large picture is brought closer', () => {
  assert.deepEqual(chooseSquare(1920, 1080, face(860, 400, 1060, 600)), { x: 760, y: 300, sizePx: 400 });
});

test('a cut without scaling keeps every pixel', () => {
  const cut = cutSquare(slope(64, 32), { x: 10, y: 4, sizePx: 16 }, 16);
  assert.equal(cut.data.length, frameSizeBytes(16, 16));
  for (let y = 0; y < 16; y++) for (let x = 0; x < 16; x++) assert.equal(cut.data[y * 16 + x], x + 10 + 2 * (y + 4));
  assert.deepEqual([...cut.data.subarray(256, 264)], [5, 6, 7, 8, 9, 10, 11, 12]);
});

test('half the size gives the mean of four pixels', () => {
  const cut = cutSquare(slope(64, 32), { x: 0, y: 0, sizePx: 32 }, 16);
  // Mean of columns 8, 9 and rows 10, 11: 8.5 + 2 · 10.5 = 29.5.
  assert.ok(Math.abs(cut.data[5 * 16 + 4] - 29.5) <= 0.5);
});

test('a picture that needs no cut is not copied', () => {
  const frame = slope(32, 32);
  assert.equal(cutSquare(frame, { x: 0, y: 0, sizePx: 32 }, 32), frame);
});
