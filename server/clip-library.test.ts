import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClipLibrary } from './clip-library.ts';

/** A library that holds `capacity` clips of ten samples, and the paths that it loaded. */
function library(capacity: number) {
  const loaded: string[] = [];
  const clips = new ClipLibrary(capacity * 40, async (path) => {
    loaded.push(path);
    if (path === 'bad') throw new Error('bad');
    return new Float32Array(10).fill(0.5);
  });
  return { clips, loaded };
}

test('a clip is loaded once for all who play it, each from the beginning', async () => {
  const { clips, loaded } = library(2);
  const [first, second] = await Promise.all([clips.open('a'), clips.open('a')]);
  assert.deepEqual(loaded, ['a']);
  const out = new Float32Array(960);
  assert.equal(first.read(out, 0).kind, 'sound');
  assert.equal(first.read(out, 960).kind, 'end');
  assert.equal(second.read(out, 0).kind, 'sound');
});

test('when it is full the clip goes that was opened longest ago', async () => {
  const { clips, loaded } = library(2);
  for (const path of ['a', 'b', 'a', 'c', 'a', 'b']) await clips.open(path);
  assert.deepEqual(loaded, ['a', 'b', 'c', 'b']);
});

test('a clip larger than the library is played all the same', async () => {
  const { clips } = library(0);
  assert.equal((await clips.open('a')).read(new Float32Array(960), 0).kind, 'sound');
});

test('a clip that could not be loaded is tried again', async () => {
  const { clips, loaded } = library(2);
  await assert.rejects(clips.open('bad'), /bad/);
  await assert.rejects(clips.open('bad'), /bad/);
  assert.deepEqual(loaded, ['bad', 'bad']);
});
