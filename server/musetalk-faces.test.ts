import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaceManifest } from './avatars/musetalk/prepared-face.ts';
import type { Manifest } from './avatars/prepared-files.ts';
import { AppError } from './errors.ts';
import { silentLog } from './log.ts';
import { MuseTalkFaces } from './musetalk-faces.ts';

const MODELS = { modelsFolder: '/nowhere', executionProviders: null, threads: 0, remoteUrl: null };
const MANIFEST = {} as Manifest;
const FACE = {} as FaceManifest;

function rig(isWanted: boolean) {
  const made: string[] = [];
  let sets = 0;
  const faces = new MuseTalkFaces({
    models: MODELS,
    isWanted: () => isWanted,
    log: silentLog(),
    open: () => {
      const set = ++sets;
      return {
        prepare: async (id, folder, _manifest, onProgress, signal) => {
          signal?.throwIfAborted();
          if (id === 'faceless') throw new AppError('face_not_found', 'no face');
          onProgress?.(0.5);
          made.push(`${id} in ${folder} with set ${set}`);
          return FACE;
        },
      };
    },
  });
  return { faces, made };
}

test('avatars are made ready as they come while MuseTalk draws, and not before', async () => {
  const idle = rig(false);
  await idle.faces.complete('anna', '/anna', MANIFEST);
  assert.deepEqual(idle.made, []);
  const drawing = rig(true);
  await drawing.faces.complete('anna', '/anna', MANIFEST);
  assert.deepEqual(drawing.made, ['anna in /anna with set 1']);
  await assert.rejects(drawing.faces.complete('faceless', '/x', MANIFEST), { code: 'face_not_found' });
});

test('before MuseTalk takes over all avatars are made ready for its models; one that cannot be is left out', async () => {
  const { faces, made } = rig(false);
  for (const id of ['anna', 'gone', 'faceless', 'sam']) await faces.complete(id, `/${id}`, MANIFEST);
  const shares: number[] = [];
  const onProgress = (share: number) => {
    shares.push(Number(share.toFixed(2)));
  };
  await faces.prepareAll(['anna', 'faceless', 'sam'], onProgress, new AbortController().signal);
  assert.deepEqual(made, ['anna in /anna with set 2', 'sam in /sam with set 2']);
  assert.deepEqual(shares, [0.17, 0.83]);
});

test('a preparation that is not wanted any more ends', async () => {
  const { faces, made } = rig(false);
  await faces.complete('anna', '/anna', MANIFEST);
  const stopped = AbortSignal.abort(new Error('stopped'));
  await assert.rejects(
    faces.prepareAll(['anna'], () => {}, stopped),
    /stopped/,
  );
  assert.deepEqual(made, []);
});
