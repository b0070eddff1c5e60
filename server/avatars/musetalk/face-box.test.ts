import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cropAround, faceBox } from './face-box.ts';
import { landmarks68, MESH_OF_68 } from './landmarks-68.ts';

const SIZE = { widthPx: 512, heightPx: 512 };

/** A face whose points lie on each other but for the outermost ones and point 29. */
function face({ left = 120, right = 380, middle = 270, chin = 440 } = {}): Int32Array {
  const points = new Int32Array(136).map((_, i) => (i % 2 === 0 ? 250 : 260));
  points.set([left, 250], 0);
  points.set([right, 250], 32);
  points.set([251, chin], 16);
  points.set([250, middle], 58);
  return points;
}

test('the box is as high above point 29 as the chin is below it, with ten pixels below the chin', () => {
  assert.deepEqual(faceBox(face(), SIZE), { left: 120, top: 100, right: 380, bottom: 450 });
});

test('a box is cut off at the border of the picture', () => {
  assert.deepEqual(faceBox(face({ left: -20, right: 600, middle: 200, chin: 508 }), SIZE), {
    left: 0,
    top: 0,
    right: 512,
    bottom: 512,
  });
  assert.equal(
    faceBox(
      face().map((value, i) => (i % 2 === 0 ? value + 2000 : value)),
      SIZE,
    ),
    null,
  );
});

test('the crop around it is a square of one and a half times its longer side, around its middle', () => {
  assert.deepEqual(cropAround({ left: 120, top: 100, right: 380, bottom: 450 }), {
    left: -12,
    top: 13,
    right: 512,
    bottom: 537,
  });
  assert.deepEqual(cropAround({ left: 0, top: 0, right: 31, bottom: 21 }), {
    left: -7,
    top: -12,
    right: 37,
    bottom: 32,
  });
});

test('each of the 68 points is one of the mesh, cut off to whole pixels', () => {
  assert.equal(new Set(MESH_OF_68).size, 68);
  const mesh = Float32Array.from({ length: 936 }, (_, i) => i + 0.9);
  const points = landmarks68(mesh);
  assert.deepEqual([...points.subarray(0, 2)], [254, 255]);
  assert.deepEqual([...points.subarray(58, 60)], [10, 11]);
  assert.equal(landmarks68(mesh.map((value) => -value))[58], -10);
});
