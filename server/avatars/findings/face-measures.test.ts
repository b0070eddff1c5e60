import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { Frame } from '../../codecs/frame.ts';
import { readPictures } from '../../codecs/media-file.ts';
import { toRgb } from '../../codecs/picture.ts';
import { type Face, FaceLandmarks } from '../face-landmarks.ts';
import { eyeOpening, faceHeight, mouthOpening, poseOf, sharpnessOf } from './face-measures.ts';

const SIZE = 512;
const DEGREE = Math.PI / 180;
let picture: Frame;
let face: Face;

before(async () => {
  const path = join(import.meta.dirname, '../../../avatars/anna/portrait.png');
  for await (const frame of readPictures(path, { widthPx: SIZE, heightPx: SIZE, framesPerSecond: 25 })) picture = frame;
  const finder = await FaceLandmarks.open();
  [face] = await finder.find({ widthPx: SIZE, heightPx: SIZE, data: toRgb(picture) });
});

/** The face turned about the axis through its middle that points down, and as the camera would see it. */
function turned(degrees: number): Face {
  const [cos, sin] = [Math.cos(degrees * DEGREE), Math.sin(degrees * DEGREE)];
  const points = Float32Array.from(face.points);
  const depths = Float32Array.from(face.depths);
  for (let i = 0; i < depths.length; i++) {
    const [x, z] = [face.points[2 * i] - 256, face.depths[i]];
    points[2 * i] = 256 + cos * x - sin * z;
    depths[i] = sin * x + cos * z;
  }
  return { ...face, points, depths };
}

/** Every pixel the mean of a square around it. */
function blurred({ data, ...size }: Frame, reach: number): Frame {
  const out = Uint8Array.from(data);
  for (let y = reach; y < SIZE - reach; y++) {
    for (let x = reach; x < SIZE - reach; x++) {
      let sum = 0;
      for (let j = -reach; j <= reach; j++) for (let i = -reach; i <= reach; i++) sum += data[(y + j) * SIZE + x + i];
      out[y * SIZE + x] = sum / (2 * reach + 1) ** 2;
    }
  }
  return { ...size, data: out };
}

test('a face that looks into the camera is turned by less than five degrees', () => {
  for (const angle of Object.values(poseOf(face.points, face.depths))) assert.ok(Math.abs(angle) < 5, `${angle}`);
});

test('a turned face is measured within two degrees, up to a profile', () => {
  const straight = poseOf(face.points, face.depths).yaw;
  for (const degrees of [-70, -30, 15, 45, 80]) {
    const { points, depths } = turned(degrees);
    const { yaw } = poseOf(points, depths);
    assert.ok(Math.abs(yaw - straight - degrees) < 2, `${yaw} for ${degrees}`);
  }
});

test('lips and eyes of the portrait are closed and open', () => {
  assert.ok(mouthOpening(face.points) < 0.05);
  assert.ok(eyeOpening(face.points) > 0.28);
  const height = faceHeight(face.points);
  assert.ok(height > 270 && height < 300, `${height}`);
});

test('a blurred face is less sharp, whatever its light', () => {
  const sharp = sharpnessOf(picture, face.points);
  const soft = sharpnessOf(blurred(picture, 3), face.points);
  assert.ok(sharp > 0.33 && soft < 0.3, `${sharp}, ${soft}`);
  const dark = { ...picture, data: picture.data.map((value) => 16 + (value - 16) / 3) };
  assert.ok(Math.abs(sharpnessOf(dark, face.points) - sharp) < 0.05);
});
