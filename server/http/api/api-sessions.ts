import { AppError } from '../../errors.ts';
import type { SessionFigures } from '../../session/session.ts';
import type { SessionOwner } from '../../session/session-owner.ts';
import { type Grant, reaches } from '../access/access.ts';
import type { ViewerSession } from '../viewer.ts';
import { described, NAME, nullable, record, type Schema } from './schemas.ts';

/** What `/api` needs of a session (session/session.ts). */
export interface ApiSession extends ViewerSession {
  readonly owner: SessionOwner | null;
  readonly state: 'waiting' | 'live' | 'closed';
  readonly viewerCount: number;
  figures(): SessionFigures;
}

/** What `/api` needs of the registry (session/registry.ts). */
export interface ApiSessions {
  list(): readonly ApiSession[];
  /** @throws {AppError} `session_not_found`. */
  get(id: string): ApiSession;
  /** @throws {AppError} `server_full`, `session_limit`, `avatar_not_found`, `not_ready`. */
  create(avatarId: string, owner: SessionOwner, own: { readonly lingerMs: number }): ApiSession;
}

export const SESSION_ID: Schema = { type: 'string', format: 'uuid' };
export const SESSION_PARAMS = record({ id: described('Id of the session.', SESSION_ID) });
export type SessionParams = { readonly id: string };

export const SESSION: Schema = record({
  id: SESSION_ID,
  state: described('`waiting` until the first viewer or publisher is connected.', {
    type: 'string',
    enum: ['waiting', 'live', 'closed'],
  }),
  door: described('The way that it came into being.', { type: 'string' }),
  owner: described('Name of the key that it belongs to; `anyone` where no key is needed.', { type: 'string' }),
  avatar_id: NAME,
  connections: described('Viewers and publishers.', { type: 'integer' }),
  talking: { type: 'boolean' },
  mouths_per_second: described(
    'Mouths drawn anew in a second of talking: 25, or fewer where more talk than the engine can draw; null in silence.',
    nullable({ type: 'integer' }),
  ),
  clip: described('The audio clip that plays.', nullable(NAME)),
  seconds: described('How long it has been live.', { type: 'number' }),
  delay_ms: described('From sound taken in to the same sound, and its picture, sent.', { type: 'number' }),
  whip_url: described('Where a microphone is published (RFC 9725).', { type: 'string' }),
  whep_url: described('Where viewers come in.', { type: 'string' }),
});

/** A session as {@link SESSION} describes it. */
export function describeSession(session: ApiSession) {
  const { avatar_id, talking, mouths_per_second, clip, seconds, delay_ms } = session.figures();
  return {
    id: session.id,
    state: session.state,
    door: session.owner?.door ?? 'rest',
    owner: session.owner?.subject ?? 'anyone',
    avatar_id,
    connections: session.viewerCount,
    talking,
    mouths_per_second,
    clip,
    seconds,
    delay_ms,
    whip_url: `/api/sessions/${session.id}/whip`,
    whep_url: `/api/sessions/${session.id}/whep`,
  };
}

/** The sessions that the caller may see. */
export function sessionsFor(grant: Grant, sessions: ApiSessions): ApiSession[] {
  return sessions.list().filter((session) => reaches(grant, { id: session.id, subject: subjectOf(session) }));
}

/** @throws {AppError} `session_not_found`, also for a session of somebody else: whether it exists is none of the caller's business. */
export function sessionFor(grant: Grant, sessions: ApiSessions, id: string): ApiSession {
  const session = sessions.get(id);
  if (reaches(grant, { id: session.id, subject: subjectOf(session) })) return session;
  throw new AppError('session_not_found', `Session ${id} not found`);
}

function subjectOf(session: ApiSession): string {
  return session.owner?.subject ?? '';
}
