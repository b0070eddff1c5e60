import type { AvatarGallery } from '../avatar-gallery.ts';

export interface UserAvatars {
  /** User → avatar. */
  readonly users: Readonly<Record<string, string>>;
  /** Of users that have no other; null for the first avatar. */
  readonly defaultAvatar: string | null;
}

/**
 * The avatar of a user: the one that the configuration gives them, or the one of the same name, or the default.
 *
 * @returns Id of the avatar, which may not be ready; null for the first one that is.
 */
export function avatarOfUser(
  userId: string,
  { users, defaultAvatar }: UserAvatars,
  gallery: AvatarGallery,
): string | null {
  if (Object.hasOwn(users, userId)) return users[userId];
  return gallery.progress().some(({ id }) => id === userId) ? userId : defaultAvatar;
}
