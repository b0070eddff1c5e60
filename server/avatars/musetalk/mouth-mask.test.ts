import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { LABEL, LABELS_SIZE_PX, labelsFromLandmarks } from './face-labels.ts';
import { blurSize, jawRegion, mouthMask } from './mouth-mask.ts';

/** Written by scripts/export/resampling_golden.py with OpenCV and Pillow. */
const GOLDEN = JSON.parse(readFileSync(new URL('../../testing/mask-golden.json', import.meta.url), 'utf8')) as {
  readonly region: string;
  readonly mask: string;
  readonly sum: number;
};
const AROUND = { left: -12, top: 13, right: 512, bottom: 537 };
const BOX = { left: 120, top: 100, right: 380, bottom: 450 };

/** Skin, nose, lips and the mouth's inside as ellipses. */
function faceLabels(): Uint8Array {
  const ellipses = [
    [256, 240, 150, 200, LABEL.skin],
    [256, 250, 28, 60, LABEL.nose],
    [256, 345, 55, 22, LABEL.upperLip],
    [256, 348, 40, 8, LABEL.mouth],
  ];
  return Uint8Array.from({ length: LABELS_SIZE_PX ** 2 }, (_, at) => {
    const [x, y] = [at % LABELS_SIZE_PX, Math.floor(at / LABELS_SIZE_PX)];
    const on = ellipses.findLast(([left, top, width, height]) => {
      return ((x - left) / width) ** 2 + ((y - top) / height) ** 2 <= 1;
    });
    return on?.[4] ?? 0;
  });
}

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

test('region and mask are bit for bit what OpenCV and Pillow make by the same steps', () => {
  const region = jawRegion(faceLabels());
  assert.equal(sha256(region.data), GOLDEN.region);
  const mask = mouthMask(region, AROUND, BOX);
  assert.equal(
    mask.reduce((a, b) => a + b, 0),
    GOLDEN.sum,
  );
  assert.equal(sha256(mask), GOLDEN.mask);
});

test('blurs are as wide as MuseTalk makes them', () => {
  assert.deepEqual([200, 300, 301, 420, 600].map(blurSize), [21, 31, 31, 43, 61]);
});

test('without a parsing network the landmarks say where the mask is: around the mouth, not above it', () => {
  const jaw = Array.from({ length: 17 }, (_, i) => {
    const angle = Math.PI * (1 - i / 16);
    return [250 + 130 * Math.cos(angle), 250 + 190 * Math.sin(angle)];
  });
  const brows = Array.from({ length: 10 }, (_, i) => [150 + i * 22, 180]);
  const nose = Array.from({ length: 9 }, (_, i) => (i < 4 ? [250, 200 + i * 25] : [230 + (i - 4) * 10, 300]));
  const eyes = Array.from({ length: 12 }, () => [250, 230]);
  const lips = Array.from({ length: 20 }, (_, i) => [
    250 + 50 * Math.cos((i % 12) * (Math.PI / 6)),
    350 + 20 * Math.sin((i % 12) * (Math.PI / 6)),
  ]);
  const landmarks = Int32Array.from([...jaw, ...brows, ...nose, ...eyes, ...lips].flat());
  const labels = labelsFromLandmarks(landmarks, AROUND);
  const mask = mouthMask(jawRegion(labels), AROUND, BOX);
  const at = (x: number, y: number) => mask[(y - BOX.top) * (BOX.right - BOX.left) + x - BOX.left];
  assert.equal(at(250, 350), 255);
  assert.equal(at(250, 410), 255);
  assert.equal(at(250, 180), 0);
  assert.equal(at(125, 440), 0);
  assert.ok(at(250, 275) > 0 && at(250, 275) < 255, 'the edge is soft');
});
