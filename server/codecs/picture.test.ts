import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { flatPicture, lumaPsnrDb, movingPicture } from '../testing/moving-picture.ts';
import { readPictures } from './media-file.ts';
import { encodeJpeg, encodePng, fromRgb, fromRgba, toRgb, writePng } from './picture.ts';

/** BT.709 limited range (ITU-R BT.709-6 §3): Y, U, V and the colour they mean. */
const COLOURS = [
  { yuv: [63, 102, 240], rgb: [255, 0, 0] },
  { yuv: [173, 42, 26], rgb: [0, 255, 0] },
  { yuv: [32, 240, 118], rgb: [0, 0, 255] },
  { yuv: [235, 128, 128], rgb: [255, 255, 255] },
  { yuv: [16, 128, 128], rgb: [0, 0, 0] },
] as const;

const near = (actual: ArrayLike<number>, expected: readonly number[], by: number, what: string) => {
  for (const [i, value] of expected.entries()) {
    assert.ok(Math.abs(actual[i] - value) <= by, `${what}: ${Array.from(actual).slice(0, 3)} is not ${expected}`);
  }
};

test('BT.709 limited colours become the RGB they stand for', () => {
  for (const { yuv, rgb } of COLOURS) {
    const pixels = toRgb(flatPicture(yuv[0], yuv[1], yuv[2], 34, 18));
    assert.equal(pixels.length, 34 * 18 * 3);
    near(pixels.subarray(-3), rgb, 3, `${yuv}`);
  }
});

test('RGB and RGBA become the BT.709 limited colours they stand for', () => {
  for (const { yuv, rgb } of COLOURS) {
    const from3 = fromRgb(
      Uint8Array.from({ length: 34 * 18 * 3 }, (_, i) => rgb[i % 3]),
      34,
      18,
    );
    const from4 = fromRgba(
      Uint8Array.from({ length: 34 * 18 * 4 }, (_, i) => [...rgb, 9][i % 4]),
      34,
      18,
    );
    for (const { data } of [from3, from4]) near([data[0], data[34 * 18], data[34 * 18 * 1.25]], yuv, 2, `${rgb}`);
  }
  assert.throws(() => fromRgb(new Uint8Array(10), 34, 18), /1836 bytes.*got 10/);
});

test('PNG and JPEG files show the picture that was encoded, colours included', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'picture-'));
  const frame = movingPicture(11, 120, 90);
  await writePng(join(folder, 'a.png'), frame);
  await writeFile(join(folder, 'a.jpg'), await encodeJpeg(frame));
  for (const [name, atLeastDb] of [
    ['a.png', 45],
    ['a.jpg', 38],
  ] as const) {
    for await (const read of readPictures(join(folder, name), { widthPx: 120, heightPx: 90, framesPerSecond: 25 })) {
      assert.ok(lumaPsnrDb(read, frame) > atLeastDb, `${name}: ${lumaPsnrDb(read, frame)} dB`);
      let chroma = 0;
      for (let i = 120 * 90; i < frame.data.length; i++) chroma += Math.abs(read.data[i] - frame.data[i]);
      assert.ok(chroma / (120 * 90 * 0.5) < 2, `${name}: colours differ by ${chroma / (120 * 45)}`);
    }
  }
  await rm(folder, { recursive: true });
});

test('a PNG begins with its signature, and pixels that are missing are an error', async () => {
  const png = await encodePng(movingPicture(0, 64, 64));
  assert.deepEqual(Array.from(png.subarray(1, 4), (c) => String.fromCharCode(c)).join(''), 'PNG');
  await assert.rejects(encodePng({ widthPx: 64, heightPx: 64, data: new Uint8Array(5) }), RangeError);
});
