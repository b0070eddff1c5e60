import { AppError } from '../errors.ts';

/** The error of a job that names an avatar which was never added to the engine. */
export function unknownAvatar(engineId: string, avatarId: string): AppError {
  return new AppError('avatar_not_found', `engine ${engineId} has no avatar ${avatarId}; call addAvatar first`);
}
