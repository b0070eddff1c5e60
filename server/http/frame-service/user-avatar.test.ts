import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeGallery } from '../../testing/fake-viewers.ts';
import { fakeAvatar } from '../../testing/fakes.ts';
import { avatarOfUser } from './user-avatar.ts';

test('a user gets the configured avatar, else the one of the same name, else the default', () => {
  const gallery = new FakeGallery([fakeAvatar('anna'), fakeAvatar('bert')]);
  const choice = { users: { maria: 'bert', anna: 'bert' }, defaultAvatar: 'anna' };
  const of = (user: string) => avatarOfUser(user, choice, gallery);
  assert.deepEqual(['maria', 'anna', 'bert', 'paul', 'constructor'].map(of), ['bert', 'bert', 'bert', 'anna', 'anna']);
  assert.equal(avatarOfUser('paul', { users: {}, defaultAvatar: null }, gallery), null);
});
