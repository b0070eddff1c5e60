import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frame } from '../codecs/frame.ts';
import { frameSizeBytes } from '../codecs/frame.ts';
import { FACE_POINTS, type Face } from './face-landmarks.ts';
import { type FaceFinder, trackFace } from './face-track.ts';

const frame: Frame = { widthPx: 16, heightPx: 16, data: new Uint8Array(frameSizeBytes(16, 16)) };

async function* frames(count: number) {
  for (let i = 0; i < count; i++) yield frame;
}

const faceAt = (place: number): Face => ({
  score: 1,
  points: new Float32Array(2 * FACE_POINTS).fill(place),
  depths: new Float32Array(FACE_POINTS),
});

/** Sees a face at the frame's number wherever `isVisible`, and `faceCount` of them when it looks anew. */
function finder(isVisible: (frame: number) => boolean, faceCount = 1): FaceFinder & { searches: number } {
  let next = 0;
  let isFollowed = false;
  const look = () => (isVisible(next) ? faceAt(next) : null);
  return {
    searches: 0,
    follow() {
      const face = look();
      isFollowed = face !== null;
      if (face) next++;
      return face;
    },
    async find() {
      this.searches++;
      const face = look();
      assert.ok(!isFollowed || face === null || next === 0);
      next++;
      return face ? [face, ...Array<Face>(faceCount - 1).fill(faceAt(-1))] : [];
    },
  };
}

const options = { minUsefulFrames: 20, notFound: (index: number) => new Error(`missing from ${index}`) };
const places = (points: Float32Array) => [...points].filter((_, i) => i % (2 * FACE_POINTS) === 0);

test('a face is looked for once and followed from then on', async () => {
  const eyes = finder(() => true);
  const track = await trackFace(frames(4), eyes, options);
  assert.deepEqual(places(track.points), [0, 1, 2, 3]);
  assert.equal(track.frameCount, 4);
  assert.equal(eyes.searches, 1);
});

test('a face that is missing for five frames is put between its places before and after', async () => {
  const { points } = await trackFace(
    frames(10),
    finder((i) => i < 2 || i > 6),
    options,
  );
  assert.deepEqual(places(points), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('a face that is missing at the ends is put where it is seen next', async () => {
  const { points } = await trackFace(
    frames(6),
    finder((i) => i > 1 && i < 5),
    options,
  );
  assert.deepEqual(places(points), [2, 2, 2, 3, 4, 4]);
});

test('a face that is missing for six frames is an error that names the first of them', async () => {
  const track = trackFace(
    frames(12),
    finder((i) => i < 3 || i > 8),
    options,
  );
  await assert.rejects(track, /missing from 3/);
});

test('a short clip without any face is an error too', async () => {
  await assert.rejects(
    trackFace(
      frames(2),
      finder(() => false),
      options,
    ),
    /missing from 0/,
  );
});

test('several faces are counted and the largest, which comes first, is taken', async () => {
  const track = await trackFace(
    frames(2),
    finder(() => true, 3),
    options,
  );
  assert.equal(track.faceCount, 3);
  assert.deepEqual(places(track.points), [0, 1]);
});

test('a face that is lost after enough frames ends the track there', async () => {
  const eyes = finder((i) => i < 30);
  const track = await trackFace(frames(60), eyes, options);
  assert.equal(track.lostAt, 30);
  assert.equal(track.frameCount, 30);
  assert.equal(track.points.length, 30 * 2 * FACE_POINTS);
  assert.deepEqual(track.missing, []);
});

test('each frame with a face is shown as it is found, and the others are told as missing', async () => {
  const told: number[] = [];
  const isVisible = (i: number) => i !== 4 && i !== 5;
  const onFace = (_: Frame, face: Face) => told.push(face.points[0]);
  const track = await trackFace(frames(8), finder(isVisible), { ...options, onFace });
  assert.deepEqual(track.missing, [4, 5]);
  assert.deepEqual(told, [0, 1, 2, 3, 6, 7]);
});
