import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { Frame } from '../../codecs/frame.ts';
import { readPictures } from '../../codecs/media-file.ts';
import { toRgb } from '../../codecs/picture.ts';
import { FaceLandmarks } from '../face-landmarks.ts';
import { placeOf } from '../face-shape.ts';
import { IDLE_FRAMES } from './idle-motion.ts';
import { LivingPhoto } from './living-photo.ts';

const ANNA = join(import.meta.dirname, '../../../avatars/anna/portrait.png');
const SIZE = 512;
const STILL = { yaw: 0, pitch: 0, roll: 0, breath: 0, lids: 0 };
const DEGREE = Math.PI / 180;
const NOSE_TIP = 1;
const LEFT_EAR = 234;
const LEFT_PUPIL = [159, 145];
const EYE_SKIN = 223;

let photo: Frame;
let points: Float32Array;
let finder: FaceLandmarks;
let anna: LivingPhoto;

before(async () => {
  for await (const frame of readPictures(ANNA, { widthPx: SIZE, heightPx: SIZE, framesPerSecond: 25 })) photo = frame;
  finder = await FaceLandmarks.open();
  const [face] = await finder.find({ widthPx: SIZE, heightPx: SIZE, data: toRgb(photo) });
  points = face.points;
  anna = new LivingPhoto(photo, points, face.depths, 1);
});

/** Mean brightness of a square of 5 pixels. */
function light({ data }: Frame, [x, y]: readonly [number, number]): number {
  let sum = 0;
  for (let j = -2; j <= 2; j++)
    for (let i = -2; i <= 2; i++) sum += data[(Math.round(y) + j) * SIZE + Math.round(x) + i];
  return sum / 25;
}

function lumaDifference(a: Frame, b: Frame, isCounted: (x: number, y: number) => boolean = () => true): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < SIZE * SIZE; i++) {
    if (!isCounted(i % SIZE, Math.floor(i / SIZE))) continue;
    sum += Math.abs(a.data[i] - b.data[i]);
    count++;
  }
  return sum / count;
}

test('somebody who does not move is the photo, bit for bit', () => {
  assert.deepEqual(anna.show(STILL).data, photo.data);
});

test('the loop goes on after its last picture as smoothly as within it', () => {
  const shown = Array.from({ length: IDLE_FRAMES }, (_, i) => i).filter((i) => i < 6 || i > IDLE_FRAMES - 6);
  const steps = shown.map((i) => lumaDifference(anna.picture(i), anna.picture(i + 1)));
  const seam = steps[steps.length - 1];
  assert.ok(seam <= Math.max(...steps.slice(0, -1)), `${seam} of ${steps}`);
  assert.deepEqual(anna.picture(IDLE_FRAMES).data, anna.picture(0).data);
});

test('a head that turns moves its nose more than its ears, and the corners of the picture hardly', () => {
  const turned = anna.show({ ...STILL, yaw: 2.5 * DEGREE, roll: 0.4 * DEGREE });
  const found = finder.follow({ widthPx: SIZE, heightPx: SIZE, data: toRgb(turned) }, points);
  assert.ok(found);
  const moved = (point: number) => found.points[2 * point] - points[2 * point];
  assert.ok(moved(NOSE_TIP) > 4 && moved(NOSE_TIP) < 14, `nose ${moved(NOSE_TIP)} px`);
  assert.ok(moved(NOSE_TIP) > moved(LEFT_EAR) + 3, `ear ${moved(LEFT_EAR)} px`);
  const isCorner = (x: number, y: number) => (x < 60 || x > SIZE - 60) && y < 150;
  assert.ok(lumaDifference(turned, photo, isCorner) < 0.5);
});

test('the landmarks are where the face is', () => {
  for (const frame of [40, 110, 190]) {
    const found = finder.follow({ widthPx: SIZE, heightPx: SIZE, data: toRgb(anna.picture(frame)) }, points);
    const told = anna.points(frame);
    const farthest = Math.max(
      ...[1, 61, 291, 152, 13, 14, 33, 263].map((point) => {
        const [x, y] = placeOf(told, point);
        return Math.hypot(x - (found?.points[2 * point] ?? 0), y - (found?.points[2 * point + 1] ?? 0));
      }),
    );
    assert.ok(farthest < 3, `frame ${frame}: ${farthest} px`);
  }
});

test('closed lids show skin where the eye was, and the rest of the face as it is', () => {
  const closed = anna.show({ ...STILL, lids: 1 });
  const pupil = placeOf(points, LEFT_PUPIL);
  const skin = light(photo, placeOf(points, EYE_SKIN));
  assert.ok(Math.abs(light(photo, pupil) - skin) > 40, 'the pupil differs from skin');
  assert.ok(Math.abs(light(closed, pupil) - skin) < 25, `${light(closed, pupil)} is not like skin, ${skin}`);
  const [, eyesTop] = placeOf(points, 70);
  const [, eyesBottom] = placeOf(points, 119);
  assert.equal(
    lumaDifference(closed, photo, (_, y) => y < eyesTop - 20 || y > eyesBottom + 20),
    0,
  );
});

test('the mouth is the same whether the lids are open or closed', () => {
  const [, mouthTop] = placeOf(points, 2);
  const [open, closed] = [STILL, { ...STILL, lids: 1 }].map((pose) => anna.show({ ...pose, yaw: DEGREE, breath: 0.5 }));
  assert.equal(
    lumaDifference(open, closed, (_, y) => y > mouthTop),
    0,
  );
});
