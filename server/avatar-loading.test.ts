import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AvatarLoading } from './avatar-loading.ts';
import type { Avatar } from './avatars/avatar.ts';
import { AppError } from './errors.ts';
import { silentLog } from './log.ts';
import { ANNA_ENTRY, fakeAvatar } from './testing/fakes.ts';

/** Preparations that end when the test says so; of `wall.png` they fail. */
function openLoading(maxAdded = 2) {
  const begun: string[] = [];
  const finish = new Map<string, () => void>();
  let report: (id: string, share: number) => void = () => {};
  const known: string[] = [];
  const loading = new AvatarLoading([ANNA_ENTRY], {
    preparedFolder: '/prepared',
    needsAll: false,
    showsProgress: false,
    maxMemoryBytes: 1e9,
    maxAdded,
    log: silentLog(),
    openStore: async ({ onProgress, onLoaded }) => {
      report = onProgress ?? report;
      return {
        async add({ id, videoFile }) {
          begun.push(id);
          if (id !== 'anna') await new Promise<void>((resolve) => finish.set(id, resolve));
          if (videoFile.endsWith('wall.png')) throw new AppError('face_not_found', 'no face in frame 0');
          onLoaded?.(fakeAvatar(id));
          return fakeAvatar(id);
        },
        bring: async (id) => fakeAvatar(id),
        get: (id) => fakeAvatar(id),
        has: () => true,
        sizeBytes: 0,
        forget() {},
      };
    },
  });
  const users = { isShown: () => false, onLoaded: ({ id }: Avatar) => known.push(id), onUnloaded() {} };
  const load = () => loading.load(users, new AbortController().signal);
  return { loading, begun, finish, known, load, report: (id: string, share: number) => report(id, share) };
}

const bert = { id: 'bert', videoPath: 'bert.mp4', videoFile: '/media/bert.mp4' };
const stateOf = ({ loading }: ReturnType<typeof openLoading>, id: string) =>
  loading.progress().find((each) => each.id === id);

test('an avatar is added while the server runs, tells how far it is, and is known to the engine before it is ready', async () => {
  const rig = openLoading();
  await assert.rejects(rig.loading.add(bert), { code: 'not_ready' });
  await rig.load();
  const added = rig.loading.add(bert);
  rig.report('bert', 0.5);
  assert.deepEqual(stateOf(rig, 'bert'), { id: 'bert', state: 'preparing', share: 0.5, problem: null });
  assert.deepEqual(rig.known, ['anna']);
  rig.finish.get('bert')?.();
  assert.equal((await added).id, 'bert');
  assert.deepEqual(rig.known, ['anna', 'bert']);
  assert.equal(stateOf(rig, 'bert')?.state, 'ready');
  assert.equal(rig.loading.ready().length, 2);
});

test('the same avatar again is no second work, with another video it is refused', async () => {
  const rig = openLoading();
  await rig.load();
  const both = [rig.loading.add(bert), rig.loading.add(bert)];
  await assert.rejects(rig.loading.add({ ...bert, videoFile: '/media/other.mp4' }), { code: 'avatar_exists' });
  rig.finish.get('bert')?.();
  await Promise.all(both);
  await rig.loading.add(bert);
  assert.deepEqual(rig.begun, ['anna', 'bert']);
});

test('a configured avatar is there already, and nobody puts another video in its place', async () => {
  const rig = openLoading();
  await rig.load();
  assert.equal((await rig.loading.add({ id: 'anna', videoPath: 'x', videoFile: ANNA_ENTRY.videoFile })).id, 'anna');
  await assert.rejects(rig.loading.add({ ...bert, id: 'anna' }), { code: 'avatar_exists' });
});

test('one that fails says why and may be tried again, and old failures are forgotten', async () => {
  const rig = openLoading(1);
  await rig.load();
  for (let i = 0; i < 20; i += 1) {
    const id = `wall-${i}`;
    const added = rig.loading.add({ id, videoPath: 'wall.png', videoFile: '/media/wall.png' });
    rig.finish.get(id)?.();
    await assert.rejects(added, { code: 'face_not_found' });
    assert.match(stateOf(rig, id)?.problem ?? '', /no face in frame 0/);
  }
  assert.deepEqual(
    rig.loading.progress().map(({ id }) => id),
    ['anna', ...Array.from({ length: 11 }, (_, i) => `wall-${i + 9}`)],
  );
});

test('no more are added than the limit says', async () => {
  const rig = openLoading(1);
  await rig.load();
  const added = rig.loading.add(bert);
  await assert.rejects(rig.loading.add({ ...bert, id: 'carl' }), { code: 'server_full', message: /max_added_avatars/ });
  rig.finish.get('bert')?.();
  await added;
});
