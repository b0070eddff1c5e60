import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CROP_SIZE_PX } from '../../avatars/avatar.ts';
import { FAINT, findOpening } from './mouth-opening.ts';

/** A mask that is `value` in the given columns and rows, ends included. */
function box(left: number, right: number, top: number, bottom: number, value = 255): Uint8Array {
  const mask = new Uint8Array(CROP_SIZE_PX * CROP_SIZE_PX);
  for (let v = top; v <= bottom; v++) mask.fill(value, v * CROP_SIZE_PX + left, v * CROP_SIZE_PX + right + 1);
  return mask;
}

test('an opening lies between the lips of each column', () => {
  const opening = findOpening(box(40, 88, 52, 61));
  assert.deepEqual([opening.left, opening.right, opening.top, opening.bottom], [40, 88, 52, 61]);
  assert.equal(opening.upper[64], 52);
  assert.equal(opening.lower[64], 62);
});

test('lips that only just part are a line where they part', () => {
  const opening = findOpening(box(50, 78, 54, 54, 60));
  assert.equal(opening.upper[64], 54.5);
  assert.equal(opening.lower[64], 54.5);
});

test('lips that touch leave no opening', () => {
  const { left, right } = findOpening(new Uint8Array(CROP_SIZE_PX * CROP_SIZE_PX));
  assert.ok(right < left);
});

test('a mask so faint that nobody sees it widens no opening', () => {
  const mask = box(40, 88, 52, 61);
  mask[80 * CROP_SIZE_PX + 17] = FAINT - 1;
  const { left, bottom } = findOpening(mask);
  assert.deepEqual([left, bottom], [40, 61]);
});
