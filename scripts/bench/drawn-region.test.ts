import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frame } from '../../server/codecs/frame.ts';
import { drawnRegion, seamEnergy } from './drawn-region.ts';

const SIZE = 64;

function picture(luma: (x: number, y: number) => number): Frame {
  const data = new Uint8Array((SIZE * SIZE * 3) / 2).fill(128);
  for (let at = 0; at < SIZE * SIZE; at++) data[at] = luma(at % SIZE, Math.floor(at / SIZE));
  return { widthPx: SIZE, heightPx: SIZE, data };
}

const texture = (x: number, y: number) => 100 + ((x * 7 + y * 13) % 11);
const isDisc = (x: number, y: number) => (x - 32) ** 2 + (y - 32) ** 2 < 15 ** 2;
/** A disc that fades in over `fadingPx`, `levels` brighter in its middle. */
const disc = (levels: number, fadingPx: number) => (x: number, y: number) => {
  const insidePx = 15 - Math.hypot(x - 32, y - 32);
  return texture(x, y) + levels * Math.min(1, Math.max(0, insidePx / fadingPx));
};

test('a region is what has changed, with what looks as before inside of it', () => {
  const base = picture(texture);
  const ring = picture((x, y) => texture(x, y) + (isDisc(x, y) && Math.hypot(x - 32, y - 32) > 8 ? 5 : 0));
  const { inside, area } = drawnRegion(base, ring);
  let disc = 0;
  for (let at = 0; at < SIZE * SIZE; at++) {
    const expected = isDisc(at % SIZE, Math.floor(at / SIZE)) ? 1 : 0;
    assert.equal(inside[at], expected);
    disc += expected;
  }
  assert.equal(area, disc);
  assert.equal(drawnRegion(base, base).area, 0);
});

test('a step along the border is measured, one that fades in is not', () => {
  const base = picture(texture);
  const energy = (drawn: Frame, reachPx: number) => {
    const { original, drawn: now } = seamEnergy(drawnRegion(base, drawn), base, drawn, reachPx);
    return now / original;
  };
  assert.ok(energy(picture(disc(12, 0.01)), 1) > 3);
  assert.ok(energy(picture(disc(12, 14)), 1) < 1.1);
});

test('an edge that is soft over three pixels shows further behind the border', () => {
  const base = picture(() => 100);
  const drawn = picture((x, y) => disc(24, 3)(x, y) - texture(x, y) + 100);
  const at = (reachPx: number) => seamEnergy(drawnRegion(base, drawn), base, drawn, reachPx).drawn;
  assert.ok(at(3) > 4 * at(1));
});
