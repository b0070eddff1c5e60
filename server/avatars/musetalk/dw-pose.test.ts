import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelTensor } from '../../models/model.ts';
import { DwPose } from './dw-pose.ts';
import type { Pixels } from './pixels.ts';

const [WIDTH, HEIGHT] = [288, 384];
const DARK = -123.675 / 58.395;

/** Sees its points where the picture is brightest; the points of a face's left side 20 places left of it, those of the right side right of it. */
class FakePose {
  runs = 0;

  async run(inputs: Record<string, ModelTensor>, { simcc_x, simcc_y }: Record<string, ModelTensor>): Promise<void> {
    this.runs++;
    assert.deepEqual(inputs.image.dims, [1, 3, HEIGHT, WIDTH]);
    const data = inputs.image.data as Float32Array;
    let brightest = 0;
    for (let i = 0; i < WIDTH * HEIGHT; i++) if (data[i] > data[brightest]) brightest = i;
    simcc_x.data.fill(0);
    simcc_y.data.fill(0);
    for (let point = 0; point < 133; point++) {
      const side = point === 23 ? -20 : point === 23 + 16 ? 20 : 0;
      simcc_x.data[point * WIDTH * 2 + 2 * (brightest % WIDTH) + side] = 1;
      simcc_y.data[point * HEIGHT * 2 + 2 * Math.floor(brightest / WIDTH)] = 1;
    }
  }
}

function bright(widthPx: number, heightPx: number, left: number, top: number): Pixels {
  const data = new Uint8Array(widthPx * heightPx * 3);
  for (let y = top - 4; y <= top + 4; y++) {
    for (let x = left - 4; x <= left + 4; x++) {
      const value = 250 - 10 * Math.hypot(x - left, y - top);
      data.fill(value, (y * widthPx + x) * 3, (y * widthPx + x) * 3 + 3);
    }
  }
  return { widthPx, heightPx, channels: 3, data };
}

test('points are found where they are, in square, wide and tall pictures', async () => {
  for (const [width, height, x, y] of [
    [512, 512, 200, 310],
    [640, 360, 500, 90],
    [360, 640, 100, 550],
  ]) {
    const pose = new FakePose();
    const points = await new DwPose(pose, 'image').find(bright(width, height, x, y));
    assert.equal(points.length, 136);
    assert.equal(pose.runs, 2, 'the picture and its mirror');
    // A place of the network is at most 1.2 pixels wide, and points are cut off to whole pixels.
    for (const point of [8, 29, 57]) {
      assert.ok(Math.abs(points[2 * point] - x) <= 4, `${points[2 * point]} is not ${x}`);
      assert.ok(Math.abs(points[2 * point + 1] - y) <= 4, `${points[2 * point + 1]} is not ${y}`);
    }
  }
});

test('what is left stays left when the mirrored picture is looked at', async () => {
  const points = await new DwPose(new FakePose(), 'image').find(bright(512, 512, 200, 310));
  assert.ok(points[0] < points[16] - 15, `${points[0]} is left of ${points[16]}`);
  assert.ok(points[32] > points[16] + 15, `${points[32]} is right of ${points[16]}`);
});

test('what lies beyond the picture is black', async () => {
  let corner = 0;
  const pose = {
    run: async (inputs: Record<string, ModelTensor>) => {
      corner = inputs.image.data[0];
    },
  };
  const white = { widthPx: 64, heightPx: 64, channels: 3, data: new Uint8Array(64 * 64 * 3).fill(255) };
  await new DwPose(pose, 'image').find(white);
  assert.ok(Math.abs(corner - DARK) < 1e-5);
});
