import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frame } from '../codecs/frame.ts';
import { flatPicture, movingPicture } from '../testing/moving-picture.ts';
import { type BoxDrawing, pasteBox } from './box-paste.ts';
import { resizeAsOpenCv } from './musetalk/opencv-resize.ts';

const SIZE_PX = 32;
const BOX = { left: 21, top: 30, right: 64, bottom: 77 };
const WIDTH = BOX.right - BOX.left;

/** Colours that change from pixel to pixel, BGR. */
const FACE = Uint8Array.from({ length: SIZE_PX * SIZE_PX * 3 }, (_, i) => (i * 37 + (i >> 5) * 11) % 256);

function paste(base: Frame, change: Partial<BoxDrawing> = {}): Frame {
  const out = { ...base, data: new Uint8Array(base.data.length) };
  const mask = new Uint8Array(WIDTH * (BOX.bottom - BOX.top)).fill(255);
  pasteBox(out, base, { sizePx: SIZE_PX, picture: FACE, box: BOX, mask, ...change });
  return out;
}

/** One picture's Y, U and V at a pixel, from its RGB by the definition of BT.709. */
function yuv(blue: number, green: number, red: number): number[] {
  const luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return [
    16 + (luma * 219) / 255,
    128 + ((blue - luma) / 1.8556) * (224 / 255),
    128 + ((red - luma) / 1.5748) * (224 / 255),
  ];
}

test('outside the box, and where the mask is 0, nothing changes', () => {
  const base = movingPicture(3, 96, 96);
  const mask = new Uint8Array(WIDTH * (BOX.bottom - BOX.top));
  assert.deepEqual(paste(base, { mask }).data, base.data);
  mask.fill(200, WIDTH * 20);
  const out = paste(base, { mask });
  let changed = 0;
  for (let y = 0; y < 96; y++) {
    for (let x = 0; x < 96; x++) {
      const isIn = x >= BOX.left && x < BOX.right && y >= BOX.top + 20 && y < BOX.bottom;
      if (!isIn) assert.equal(out.data[y * 96 + x], base.data[y * 96 + x], `${x}, ${y}`);
      else if (out.data[y * 96 + x] !== base.data[y * 96 + x]) changed++;
    }
  }
  assert.ok(changed > 900, `${changed} changed`);
});

test('where the mask is 255 the picture is the stretched face, as OpenCV stretches it', () => {
  const out = paste(movingPicture(5, 96, 96));
  const picture = { widthPx: SIZE_PX, heightPx: SIZE_PX, channels: 3, data: FACE };
  const face = resizeAsOpenCv(picture, WIDTH, BOX.bottom - BOX.top, 'linear').data;
  for (let y = 0; y < BOX.bottom - BOX.top; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const at = (y * WIDTH + x) * 3;
      const [luma] = yuv(face[at], face[at + 1], face[at + 2]);
      const found = out.data[(BOX.top + y) * 96 + BOX.left + x];
      assert.ok(Math.abs(found - luma) <= 0.51, `${x}, ${y}: ${found}, wanted ${luma}`);
    }
  }
});

test('half a mask gives the middle of both, in brightness and in colour', () => {
  const base = flatPicture(60, 150, 90, 96, 96);
  const picture = new Uint8Array(SIZE_PX * SIZE_PX * 3);
  for (let i = 0; i < picture.length; i += 3) picture.set([40, 200, 120], i);
  const mask = new Uint8Array(WIDTH * (BOX.bottom - BOX.top)).fill(128);
  const out = paste(base, { picture, mask });
  const wanted = yuv(40, 200, 120);
  const [x, y] = [40, 50];
  const chromaAt = 96 * 96 + (y / 2) * 48 + x / 2;
  const found = [out.data[y * 96 + x], out.data[chromaAt], out.data[chromaAt + 48 * 48]];
  for (const [i, before] of [60, 150, 90].entries()) {
    const middle = before + ((wanted[i] - before) * 128) / 255;
    assert.ok(Math.abs(found[i] - middle) <= 0.51, `${'yuv'[i]} ${found[i]}, wanted ${middle}`);
  }
});

test('a colour sample of which the box covers half the pixels takes half of the face', () => {
  const base = flatPicture(60, 150, 90, 96, 96);
  const picture = new Uint8Array(SIZE_PX * SIZE_PX * 3);
  for (let i = 0; i < picture.length; i += 3) picture.set([200, 40, 40], i);
  const out = paste(base, { picture });
  const [, u] = yuv(200, 40, 40);
  // The box begins in the middle of column 10 of the colour samples.
  const at = 96 * 96 + 25 * 48 + 10;
  assert.ok(Math.abs(out.data[at] - (150 + u) / 2) <= 0.51, `${out.data[at]}`);
  assert.ok(Math.abs(out.data[at + 1] - u) <= 0.51, `${out.data[at + 1]}`);
});

test('sizes that do not fit together are refused', () => {
  const base = flatPicture(60, 150, 90, 96, 96);
  assert.throws(() => paste(base, { box: { ...BOX, right: 97 } }), /within 96x96/);
  assert.throws(
    () => paste(base, { mask: new Uint8Array(5) }),
    /face and mask must have 3072 and 2021 bytes, got 3072 and 5/,
  );
  assert.throws(() => paste(base, { picture: new Uint8Array(5) }), /got 5 and 2021/);
});
