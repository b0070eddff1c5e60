import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NARROW_FOLDER } from '../../server/testing/musetalk-narrow.ts';
import { Figures } from '../bench/figures.ts';
import { differenceTo } from './differences.ts';
import { KeptArrays } from './kept-arrays.ts';
import { compare } from './parity.ts';

const REFERENCE = new URL('../../server/testing/musetalk-parity', import.meta.url).pathname;

test('each step, and all of them together, make of sound and frames what the libraries of MuseTalk make of them', async () => {
  const figures = new Figures('parity');
  const source = { modelsFolder: NARROW_FOLDER, executionProviders: ['cpu'], threads: 1, remoteUrl: null } as const;
  await compare(await KeptArrays.read(REFERENCE), source, figures);
  assert.ok(figures.hold, `\n${figures.table()}`);
});

test('what is no number, or too little of it, is a difference', () => {
  const kept = { shape: [4], stride: 3, values: Float32Array.of(2, -4) };
  assert.deepEqual(differenceTo(kept, Float32Array.of(2, 9, 9, -3)), {
    largest: 1,
    relative: 0.25,
    mean: 0.5,
    unequal: 0.5,
    count: 2,
  });
  assert.equal(differenceTo(kept, Float32Array.of(2, 9, 9, Number.NaN)).largest, Number.POSITIVE_INFINITY);
  assert.throws(() => differenceTo(kept, Float32Array.of(2)), /4 numbers were kept, got 1/);
});

test('a folder without a reference is refused with what to do', async () => {
  await assert.rejects(KeptArrays.read('/no/such'), {
    code: 'media_not_found',
    message: /scripts\/export\/reference.py/,
  });
});
