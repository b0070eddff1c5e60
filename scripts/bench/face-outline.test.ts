import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FACE_POINTS } from '../../server/avatars/face-landmarks.ts';
import { FaceOutline, OUTLINE } from './face-outline.ts';

/** A round face in the middle of (100, 100), 50 px from there to its outline. */
function roundFace(): FaceOutline {
  const points = new Float32Array(2 * FACE_POINTS);
  for (const [i, index] of OUTLINE.entries()) {
    const angle = (2 * Math.PI * i) / OUTLINE.length;
    points.set([100 - 50 * Math.sin(angle), 100 - 50 * Math.cos(angle)], 2 * index);
  }
  return new FaceOutline({ points });
}

test('what is beside a face is as far away as its outline, what is in it is not away at all', () => {
  const face = roundFace();
  assert.equal(face.distanceTo(100, 60), 0);
  assert.ok(face.contains(145, 100));
  assert.ok(!face.contains(155, 100));
  assert.ok(Math.abs(face.distanceTo(170, 100) - 20) < 0.5);
  assert.ok(Math.abs(face.distanceTo(100, 20) - 30) < 0.5);
});

test('the neck below the chin belongs to the face, what is beside the neck does not', () => {
  const face = roundFace();
  assert.equal(face.distanceTo(100, 190), 0);
  assert.ok(!face.contains(100, 190));
  assert.ok(face.distanceTo(160, 190) > 20);
});
