import type { AvatarCard } from '../avatars/avatar.ts';
import type { AvatarReport } from '../avatars/avatar-report.ts';
import type { Consent } from '../avatars/source-clips.ts';
import { AppError } from '../errors.ts';

/** How far one avatar is. */
export interface AvatarProgress {
  readonly id: string;
  readonly state: 'waiting' | 'preparing' | 'ready' | 'failed';
  /** 0..1 */
  readonly share: number;
  /** Why it failed, for people; null otherwise. */
  readonly problem: string | null;
}

/** What is known of an avatar's pictures. */
export interface AvatarFacts {
  /** What was found out about them; null if nothing was. */
  readonly report: AvatarReport | null;
  /** Who said that the person shown agrees; null if nobody did. */
  readonly consent: Consent | null;
}

export const NOTHING_KNOWN: AvatarFacts = { report: null, consent: null };

/** The avatars of the server as clients see them. */
export interface AvatarGallery {
  /** Those that can speak now, in the order of the configuration. */
  ready(): readonly AvatarCard[];
  /** All that are configured, in the same order. */
  progress(): readonly AvatarProgress[];
  /**
   * Finds an avatar as {@link findAvatar}, and sees to it that its pictures are in memory. A session of it must be made, or be
   * switched to it, before anything else is waited for.
   *
   * @param id Null for the first one.
   * @throws {AppError} as {@link findAvatar}; `avatar_invalid` if it cannot be loaded.
   */
  bring(id: string | null): Promise<AvatarCard>;
  facts(id: string): AvatarFacts;
  /** Calls `listener` whenever something of an avatar has changed, or it is gone. @returns Ends that. */
  watch(listener: (id: string) => void): () => void;
}

/**
 * @param id The avatar asked for; null for the first one.
 * @throws {AppError} `avatar_not_found`; `not_ready` while it is being prepared; `avatar_invalid` if that failed.
 */
export function findAvatar(gallery: AvatarGallery, id: string | null): AvatarCard {
  const avatar = gallery.ready().find((each) => id === null || each.id === id);
  if (avatar) return avatar;
  const candidates = gallery.progress().filter((each) => id === null || each.id === id);
  if (id !== null && candidates.length === 0) throw new AppError('avatar_not_found', `Avatar ${id} not found`);
  const failed = candidates.find((each) => each.state === 'failed');
  if (failed && candidates.every((each) => each.state === 'failed')) {
    throw new AppError('avatar_invalid', failed.problem ?? `Avatar ${failed.id} could not be prepared`);
  }
  throw new AppError('not_ready', 'The avatars are still being prepared; try again in a few seconds.');
}

/** An avatar in the words of the signalling protocol. */
export function describeAvatar(avatar: AvatarCard) {
  return {
    id: avatar.id,
    name: avatar.name,
    video_path: avatar.videoPath,
    audio_clips: Object.keys(avatar.audioClips),
    portrait: portraitUrl(avatar.id),
  };
}

export function portraitUrl(avatarId: string): string {
  return `/avatars/${encodeURIComponent(avatarId)}/portrait`;
}
