import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Glimpse } from './loop-closure.ts';
import { chooseStretch } from './stretch-choice.ts';

const MAX = 250;

/** Pictures of one brightness each. */
function film(count: number, lightAt: (frame: number) => number): Glimpse[] {
  return Array.from({ length: count }, (_, i) => new Uint8Array(48 * 48).fill(lightAt(i)));
}

const choose = (glimpses: Glimpse[], isClosedAt: (frame: number) => boolean = () => true, mayStartLate = true) =>
  chooseStretch({ glimpses, isClosed: glimpses.map((_, i) => isClosedAt(i)) }, MAX, mayStartLate);
const wave = (count: number, period: number) => film(count, (i) => 128 + 90 * Math.sin((2 * Math.PI * i) / period));

test('a loop with closed lips is used whole', () => {
  assert.deepEqual(choose(wave(200, 100)), { firstFrame: 0, fileFrames: 200, isMirrored: false });
});

test('of a film that is no loop the longest part that is one is used', () => {
  // It drifts away after two waves.
  const { firstFrame, fileFrames, isMirrored } = choose(
    film(240, (i) => (i < 200 ? 128 + 60 * Math.sin((2 * Math.PI * i) / 100) : 128 + 2 * (i - 200))),
  );
  assert.equal(isMirrored, false);
  assert.ok(fileFrames > 190 && fileFrames < 215 && firstFrame + fileFrames <= 240, `${firstFrame} + ${fileFrames}`);
});

test('a longer film is cut to a loop of at most ten seconds', () => {
  const { fileFrames, isMirrored } = choose(wave(500, 100));
  assert.equal(isMirrored, false);
  assert.ok(fileFrames > 190 && fileFrames <= MAX);
});

test('a film without a loop runs there and back, from its start', () => {
  assert.deepEqual(choose(film(200, (i) => i)), { firstFrame: 0, fileFrames: 126, isMirrored: true });
  assert.deepEqual(choose(film(60, (i) => i)), { firstFrame: 0, fileFrames: 60, isMirrored: true });
});

test('what is used has closed lips, wherever they are closed for long enough', () => {
  const loop = choose(wave(400, 100), (i) => i >= 120 && i < 360);
  assert.ok(loop.firstFrame >= 120 && loop.firstFrame + loop.fileFrames <= 360 && !loop.isMirrored);
  const mirrored = choose(
    film(200, (i) => i),
    (i) => i >= 100 && i < 160,
  );
  assert.deepEqual(mirrored, { firstFrame: 100, fileFrames: 60, isMirrored: true });
});

test('lips that are never closed for long are no reason to use nothing', () => {
  assert.deepEqual(choose(wave(400, 100), (i) => i % 10 < 5).isMirrored, false);
  assert.deepEqual(
    choose(
      film(100, (i) => i),
      () => false,
    ),
    { firstFrame: 0, fileFrames: 100, isMirrored: true },
  );
});

test('an action begins at its beginning', () => {
  const stretch = choose(
    film(300, (i) => (i < 100 ? i : 100)),
    undefined,
    false,
  );
  assert.deepEqual(stretch, { firstFrame: 0, fileFrames: 126, isMirrored: true });
});

test('a still film and a single picture are used as they are', () => {
  assert.deepEqual(choose(film(100, () => 50)), { firstFrame: 0, fileFrames: 100, isMirrored: false });
  assert.deepEqual(choose(film(1, () => 50)), { firstFrame: 0, fileFrames: 1, isMirrored: false });
});
