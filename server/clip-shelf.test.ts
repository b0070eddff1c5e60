import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Avatar } from './avatars/avatar.ts';
import { AvatarShelf, LINGER_MS } from './clip-shelf.ts';
import { AppError } from './errors.ts';
import { fakeAvatar, fakeClip, fakeStoredClip } from './testing/fakes.ts';
import { ManualTimers } from './testing/manual-timers.ts';

function openShelf() {
  const timers = new ManualTimers();
  const announced: string[] = [];
  const loads: string[] = [];
  let failure: Error | null = null;
  const shelf = new AvatarShelf({
    timers,
    announce: ({ clips }: Avatar) => announced.push(clips.map(({ name }) => name).join(' ')),
    load: async ({ name, frameCount }) => {
      loads.push(name);
      if (failure) throw failure;
      return fakeClip(name, 0, frameCount);
    },
  });
  const avatar = fakeAvatar('a', 0, 10, [fakeStoredClip('speaking_0'), fakeStoredClip('action_1')]);
  const fail = (error: Error | null) => {
    failure = error;
  };
  return { shelf, timers, announced, loads, avatar, fail };
}

test('a clip is loaded once for all who borrow it, and the engines know it before they are asked to draw on it', async () => {
  const { shelf, announced, loads, avatar } = openShelf();
  const [one, two] = await Promise.all([shelf.borrow(avatar, 'speaking_0'), shelf.borrow(avatar, 'speaking_0')]);
  assert.equal(one.clip, two.clip);
  assert.deepEqual(loads, ['speaking_0']);
  assert.deepEqual(announced, ['idle_0 speaking_0']);
  shelf.close();
});

test('a clip leaves memory some time after the last borrower gave it back, not before', async () => {
  const { shelf, timers, announced, avatar } = openShelf();
  const [one, two] = await Promise.all([shelf.borrow(avatar, 'speaking_0'), shelf.borrow(avatar, 'speaking_0')]);
  one.giveBack();
  one.giveBack();
  await timers.advance(2 * LINGER_MS);
  assert.ok(shelf.sizeBytes > 0, 'still borrowed');
  two.giveBack();
  await timers.advance(LINGER_MS - 1);
  assert.ok(shelf.sizeBytes > 0, 'may be wanted again');
  await timers.advance(1);
  assert.equal(shelf.sizeBytes, 0);
  assert.equal(announced.at(-1), 'idle_0');
  assert.equal(timers.pending, 0);
});

test('a clip that is wanted again in time stays', async () => {
  const { shelf, timers, loads, avatar } = openShelf();
  (await shelf.borrow(avatar, 'speaking_0')).giveBack();
  await timers.advance(LINGER_MS / 2);
  await shelf.borrow(avatar, 'speaking_0');
  await timers.advance(2 * LINGER_MS);
  assert.deepEqual(loads, ['speaking_0']);
  assert.ok(shelf.sizeBytes > 0);
  shelf.close();
});

test('what is always in memory is neither loaded nor counted, and engines need not know actions', async () => {
  const { shelf, announced, loads, avatar } = openShelf();
  assert.equal((await shelf.borrow(avatar, 'idle_0')).clip, avatar.clips[0]);
  await shelf.borrow(avatar, 'action_1');
  assert.deepEqual(loads, ['action_1']);
  assert.deepEqual(announced, []);
  shelf.close();
});

test('a clip that cannot be read is tried again by the next one who asks', async () => {
  const { shelf, avatar, loads, fail } = openShelf();
  fail(new AppError('media_unreadable', 'broken'));
  await assert.rejects(shelf.borrow(avatar, 'speaking_0'), { code: 'media_unreadable' });
  await assert.rejects(shelf.borrow(avatar, 'dance_1'), { code: 'clip_not_found' });
  fail(null);
  await shelf.borrow(avatar, 'speaking_0');
  assert.deepEqual(loads, ['speaking_0', 'speaking_0']);
  shelf.close();
});

test('an engine that takes over learns of an avatar with the clips that are lent, but for actions', async () => {
  const { shelf, avatar } = openShelf();
  await shelf.borrow(avatar, 'speaking_0');
  await shelf.borrow(avatar, 'action_1');
  assert.deepEqual(
    shelf.withLentClips(avatar).clips.map(({ name }) => name),
    ['idle_0', 'speaking_0'],
  );
  assert.equal(avatar.clips.length, 1);
  shelf.close();
});
