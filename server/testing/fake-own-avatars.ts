import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import type { AvatarRouteOptions } from '../http/api/avatar-routes.ts';

/** Takes no avatars, as a server with `media.max_own_avatars: 0`. */
export const NO_OWN_AVATARS: AvatarRouteOptions['ownAvatars'] = {
  places: 0,
  find: () => null,
  requireRoom() {
    throw new AppError('avatar_limit', 'none may be brought in');
  },
  begin: () => mkdtemp(join(tmpdir(), 'own-')),
  async add() {
    this.requireRoom('');
  },
  async rename(id) {
    throw new AppError('avatar_not_found', `no ${id}`);
  },
  async remove(id) {
    throw new AppError('avatar_not_found', `no ${id}`);
  },
};
