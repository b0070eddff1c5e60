import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gaussianBlur } from './gaussian-blur.ts';
import { dilate, erode, type Kernel } from './morphology.ts';
import { resizeAsOpenCv } from './opencv-resize.ts';
import { resizeAsPillow } from './pillow-resize.ts';
import { crop, type Pixels } from './pixels.ts';

interface Golden {
  readonly method: string;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly outWidth: number;
  readonly outHeight: number;
  /** base64 */
  readonly data: string;
}

/** Written by scripts/export/resampling_golden.py with OpenCV 5.0 and Pillow 12.3. */
const GOLDEN = JSON.parse(
  readFileSync(new URL('../../testing/resampling-golden.json', import.meta.url), 'utf8'),
) as Golden[];

function picture({ width, height, channels }: Golden): Pixels {
  const data = new Uint8Array(width * height * channels);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++, at++) data[at] = (x * 7 + y * 13 + c * 50 + ((x * y) >> 3)) & 255;
    }
  }
  return { widthPx: width, heightPx: height, channels, data };
}

function cases(...methods: string[]): Golden[] {
  const found = GOLDEN.filter(({ method }) => methods.includes(method.split(' ')[0]));
  assert.ok(found.length > 0);
  return found;
}

function assertSame(found: Pixels, { data, method }: Golden): void {
  assert.deepEqual(found.data, new Uint8Array(Buffer.from(data, 'base64')), method);
}

test('pictures are resized bit for bit as OpenCV does it, larger and smaller', () => {
  for (const golden of cases('linear', 'lanczos4')) {
    const method = golden.method === 'linear' ? 'linear' : 'lanczos4';
    assertSame(resizeAsOpenCv(picture(golden), golden.outWidth, golden.outHeight, method), golden);
  }
});

test('pictures are resized bit for bit as Pillow does it, larger and smaller', () => {
  for (const golden of cases('bilinear', 'bicubic')) {
    const method = golden.method === 'bilinear' ? 'bilinear' : 'bicubic';
    assertSame(resizeAsPillow(picture(golden), golden.outWidth, golden.outHeight, method), golden);
  }
});

test('masks are blurred bit for bit as OpenCV does it', () => {
  for (const golden of cases('blur')) {
    assertSame(gaussianBlur(picture(golden), Number(golden.method.split(' ')[1])), golden);
  }
});

test('masks are dilated and eroded as OpenCV does it, up to the border', () => {
  const ellipse: Kernel = [
    { dx: 0, dy: -1 },
    ...Array.from({ length: 7 }, (_, i) => ({ dx: i - 3, dy: 0 })),
    { dx: 0, dy: 1 },
  ];
  for (const golden of cases('dilate')) {
    const source = picture(golden);
    assertSame(dilate({ ...source, data: source.data.map((value) => (value > 200 ? 255 : 0)) }, ellipse), golden);
  }
  for (const golden of cases('erode')) {
    const source = picture(golden);
    assertSame(erode({ ...source, data: source.data.map((value) => (value > 200 ? 0 : 255)) }, ellipse), golden);
  }
});

test('what is cut out beyond the border of a picture is black', () => {
  const source = { widthPx: 2, heightPx: 2, channels: 1, data: Uint8Array.of(1, 2, 3, 4) };
  assert.deepEqual(crop(source, { left: -1, top: 1, right: 3, bottom: 3 }).data, Uint8Array.of(0, 3, 4, 0, 0, 0, 0, 0));
  assert.deepEqual(crop(source, { left: 5, top: 0, right: 6, bottom: 1 }).data, Uint8Array.of(0));
});
