import type { AvatarFacts, AvatarGallery } from '../avatar-gallery.ts';
import { portraitUrl } from '../avatar-gallery.ts';
import { described, ID, listOf, NAME, nullable, record, type Schema } from './schemas.ts';

export const AVATAR_PARAMS = record({ id: described('Id of the avatar.', ID) });
export type AvatarParams = { readonly id: string };

const PROGRESS_PROPERTIES = {
  id: NAME,
  state: { type: 'string', enum: ['waiting', 'preparing', 'ready', 'failed'] },
  share: described('How far it is prepared.', { type: 'number', minimum: 0, maximum: 1 }),
  problem: described('Why it failed.', nullable({ type: 'string' })),
};
const AVATAR_PROPERTIES = {
  ...PROGRESS_PROPERTIES,
  name: NAME,
  audio_clips: listOf(NAME),
  portrait: described('Path of its picture; null until it is ready.', nullable({ type: 'string' })),
  is_own: described('Whether somebody brought it in, so that it may be renamed and deleted.', { type: 'boolean' }),
};
const LEVEL: Schema = { type: 'string', enum: ['ok', 'advice', 'refused'] };
const COUNT: Schema = { type: 'integer', minimum: 0 };

const FINDING = record({
  subject: described('What was looked at.', { type: 'string' }),
  level: LEVEL,
  clip: described('The clip that it is about; null for all.', nullable({ type: 'string' })),
  frame: described('The picture of that clip where it is seen best, at 25 a second.', nullable(COUNT)),
  value: described('The measure behind it.', nullable({ type: 'number' })),
  found: { type: 'string' },
  advice: described('What to do about it.', nullable({ type: 'string' })),
});
const REPORT = described(
  'What was found out about its pictures; null while nothing is known.',
  nullable(record({ level: LEVEL, findings: listOf(FINDING) })),
);
const CONSENT = described(
  'Who said that the person shown agrees, and when; null if nobody was asked.',
  nullable(record({ by: { type: 'string' }, at: described('ISO 8601.', { type: 'string' }) })),
);

export const AVATAR_IN_LIST = record(AVATAR_PROPERTIES);
export const AVATAR = record({ ...AVATAR_PROPERTIES, report: REPORT, consent: CONSENT });

/** What may be brought in. */
export const ROOM = record({
  places: described('How many more avatars may be brought in.', COUNT),
  max_bytes: described('Most that the files of one may have together.', COUNT),
});

/** An avatar as {@link AVATAR_IN_LIST} describes it; null if there is none of that id. */
export function describeInList(gallery: AvatarGallery, id: string, own: OwnName | null) {
  const progress = gallery.progress().find((each) => each.id === id);
  if (!progress) return null;
  const { state, share, problem } = progress;
  const avatar = gallery.ready().find((each) => each.id === id);
  return {
    id,
    name: avatar?.name ?? own?.name ?? id,
    state,
    share,
    problem,
    audio_clips: Object.keys(avatar?.audioClips ?? {}),
    portrait: avatar ? portraitUrl(id) : null,
    is_own: own !== null,
  };
}

/** An avatar as {@link AVATAR} describes it; null if there is none of that id. */
export function describeWhole(gallery: AvatarGallery, id: string, own: (OwnName & Partial<AvatarFacts>) | null) {
  const told = describeInList(gallery, id, own);
  if (!told) return null;
  const { report, consent } = gallery.facts(id);
  return { ...told, report, consent: consent ?? own?.consent ?? null };
}

interface OwnName {
  readonly name: string;
}
