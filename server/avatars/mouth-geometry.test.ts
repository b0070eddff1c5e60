import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CROP_MOUTH, CROP_MOUTH_WIDTH, FRAME_GEOMETRY as FIELD, GEOMETRY_SIZE } from './avatar.ts';
import { FACE_POINTS } from './face-landmarks.ts';
import { FACE_POINT } from './face-shape.ts';
import { mouthGeometry } from './mouth-geometry.ts';

const FRAMES = 40;

/** A face as in a drawing book, mouth at the origin, corners 2 apart, y downwards. */
function drawnFace(chin = 2): Float32Array {
  const face = new Float32Array(2 * FACE_POINTS);
  const put = (index: number, x: number, y: number) => face.set([x, y], 2 * index);
  FACE_POINT.LEFT_EYE.forEach((index, i) => {
    put(index, i - 2, -2.5);
  });
  FACE_POINT.RIGHT_EYE.forEach((index, i) => {
    put(index, i + 1, -2.5);
  });
  FACE_POINT.NOSE_BASE.forEach((index, i) => {
    put(index, i - 1, -0.8);
  });
  FACE_POINT.UPPER_LIP.forEach((index, i) => {
    put(index, (i - 2) / 3, -0.25);
  });
  put(FACE_POINT.LEFT_CORNER, -1, 0);
  put(FACE_POINT.RIGHT_CORNER, 1, 0);
  put(FACE_POINT.UPPER_LIP_MIDDLE, 0, -0.05);
  put(FACE_POINT.LOWER_LIP_MIDDLE, 0, 0.05);
  put(FACE_POINT.CHIN, 0, chin);
  FACE_POINT.LEFT_OUTLINE.forEach((index, i) => {
    put(index, -2.3 + i / 10, (i - 2.5) / 2);
  });
  FACE_POINT.RIGHT_OUTLINE.forEach((index, i) => {
    put(index, 2.5 - i / 10, (i - 2.5) / 2);
  });
  return face;
}

interface Pose {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
  readonly angle: number;
}

/** A nodding, turning, swaying head; a loop. */
function poseAt(frame: number): Pose {
  const phase = (2 * Math.PI * frame) / FRAMES;
  return {
    x: 256 + 20 * Math.sin(phase),
    y: 350 + 8 * Math.cos(phase),
    scale: 50 + 2 * Math.cos(phase),
    angle: 0.1 * Math.sin(phase),
  };
}

function posed(face: Float32Array, { x, y, scale, angle }: Pose, tremble = () => 0): Float32Array {
  const [a, b] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  return face.map((_, i) => {
    const [u, v] = i % 2 ? [face[i - 1], face[i]] : [face[i], face[i + 1]];
    return (i % 2 ? b * u + a * v + y : a * u - b * v + x) + tremble();
  });
}

function clipOf(face: Float32Array, tremble?: () => number): Float32Array {
  const clip = new Float32Array(FRAMES * 2 * FACE_POINTS);
  for (let i = 0; i < FRAMES; i++) clip.set(posed(face, poseAt(i), tremble), i * 2 * FACE_POINTS);
  return clip;
}

const field = (geometry: Float32Array, frame: number, index: number) => geometry[frame * GEOMETRY_SIZE + index];

function assertNear(actual: number, expected: number, within: number, what: string) {
  assert.ok(Math.abs(actual - expected) <= within, `${what}: ${actual} is not within ${within} of ${expected}`);
}

test('the mouth lies in the same place of every crop, however the head moves', () => {
  const [geometry] = mouthGeometry([clipOf(drawnFace())]);
  for (let frame = 0; frame < FRAMES; frame++) {
    assertNear(field(geometry, frame, FIELD.LINE_U), CROP_MOUTH.u, 0.1, 'line u');
    assertNear(field(geometry, frame, FIELD.LINE_V), CROP_MOUTH.v, 0.1, 'line v');
    const width = field(geometry, frame, FIELD.RIGHT_U) - field(geometry, frame, FIELD.LEFT_U);
    assertNear(width, CROP_MOUTH_WIDTH, 0.1, 'width');
    assertNear(field(geometry, frame, FIELD.LEFT_V), field(geometry, frame, FIELD.RIGHT_V), 0.1, 'level corners');
    assertNear(field(geometry, frame, FIELD.CHIN_V), CROP_MOUTH.v + CROP_MOUTH_WIDTH, 0.2, 'chin');
  }
});

test('the crop transform leads from the crop to where the mouth is in the frame', () => {
  const [geometry] = mouthGeometry([clipOf(drawnFace())]);
  for (const frame of [0, 9, 25]) {
    const [a, b, tx, ty, leftU, leftV] = geometry.subarray(frame * GEOMETRY_SIZE);
    const { x, y, scale, angle } = poseAt(frame);
    assertNear(a * leftU - b * leftV + tx, x - scale * Math.cos(angle), 0.2, 'left corner x');
    assertNear(b * leftU + a * leftV + ty, y - scale * Math.sin(angle), 0.2, 'left corner y');
    assertNear(Math.hypot(a, b), (2 * scale) / CROP_MOUTH_WIDTH, 0.01, 'scale');
    assertNear(Math.atan2(b, a), angle, 0.005, 'turn');
  }
});

test('landmarks that tremble by a pixel make a crop that trembles by less than a fifth of one', () => {
  let seed = 7;
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const [steady] = mouthGeometry([clipOf(drawnFace())]);
  const [trembling] = mouthGeometry([clipOf(drawnFace(), () => 2 * random() - 1)]);
  let squares = 0;
  for (let frame = 0; frame < FRAMES; frame++) {
    const at = (geometry: Float32Array) => {
      const [a, b, tx, ty] = geometry.subarray(frame * GEOMETRY_SIZE);
      return [a * CROP_MOUTH.u - b * CROP_MOUTH.v + tx, b * CROP_MOUTH.u + a * CROP_MOUTH.v + ty];
    };
    squares += (at(steady)[0] - at(trembling)[0]) ** 2;
  }
  assert.ok(Math.sqrt(squares / FRAMES) < 0.2, `${Math.sqrt(squares / FRAMES)} px`);
});

test('the face ends where its outline crosses the height of the mouth', () => {
  const [geometry] = mouthGeometry([clipOf(drawnFace())]);
  const px = CROP_MOUTH_WIDTH / 2;
  for (let frame = 0; frame < FRAMES; frame++) {
    assertNear(field(geometry, frame, FIELD.FACE_LEFT_U), CROP_MOUTH.u - 2.05 * px, 0.2, 'left side');
    assertNear(field(geometry, frame, FIELD.FACE_RIGHT_U), CROP_MOUTH.u + 2.25 * px, 0.2, 'right side');
  }
});

test('a long chin makes the crop larger until it fits', () => {
  const [geometry] = mouthGeometry([clipOf(drawnFace(4))]);
  assertNear(field(geometry, 0, FIELD.CHIN_V), 116, 0.5, 'chin');
  assertNear(field(geometry, 0, FIELD.LINE_V), CROP_MOUTH.v, 0.1, 'line');
  assert.ok(field(geometry, 0, FIELD.RIGHT_U) - field(geometry, 0, FIELD.LEFT_U) < CROP_MOUTH_WIDTH - 5);
});

test('bbox_shift moves the crop and leaves the mouth where it is in the frame', () => {
  const [plain] = mouthGeometry([clipOf(drawnFace())]);
  const [shifted] = mouthGeometry([clipOf(drawnFace())], 6);
  assertNear(field(shifted, 3, FIELD.TY) - field(plain, 3, FIELD.TY), 6, 1e-3, 'ty');
  const scale = Math.hypot(field(plain, 3, FIELD.A), field(plain, 3, FIELD.B));
  assertNear(field(shifted, 3, FIELD.LINE_V) - field(plain, 3, FIELD.LINE_V), -6 / scale, 0.05, 'line');
});

test('clips of one avatar share their scale, although the mouth is wider in one of them', () => {
  const smiling = drawnFace();
  smiling[2 * FACE_POINT.LEFT_CORNER] = -1.2;
  smiling[2 * FACE_POINT.RIGHT_CORNER] = 1.2;
  const [plain, smile] = mouthGeometry([clipOf(drawnFace()), clipOf(smiling)]);
  assertNear(field(smile, 0, FIELD.A) / field(plain, 0, FIELD.A), 1, 0.03, 'scale');
  const width = (geometry: Float32Array) => field(geometry, 0, FIELD.RIGHT_U) - field(geometry, 0, FIELD.LEFT_U);
  assert.ok(width(smile) > 1.15 * width(plain));
});
