import { AppError } from '../../errors.ts';
import type { Door, SessionOwner } from '../../session/session-owner.ts';

/** What a caller may do, each including the ones before it: look on, let avatars speak, run the server. */
export const SCOPES = ['view', 'speak', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/**
 * What a route asks for: a scope; nothing (`public`); or nothing yet, because the door asks for the credential in its own first
 * message (`in-message`), and calls {@link Access.admit} itself.
 */
export type RouteScope = Scope | 'public' | 'in-message';

/** What somebody was admitted as. */
export interface Grant {
  /** Name of the key that stands behind it; `anyone` where access is free. Limits are counted by it; not a secret. */
  readonly subject: string;
  readonly scope: Scope;
  /** What it was admitted with. */
  readonly credential: 'none' | 'key' | 'token';
  /** Sessions that the subject may hold at once, over all doors; null for no limit of its own. */
  readonly maxSessions: number | null;
  /** Requests per second of the subject; null for the server's common limit. */
  readonly maxRequestsPerSecond: number | null;
  /** The only session that it is good for; null for all of the subject's. */
  readonly sessionId: string | null;
}

/** Decides who may come in. */
export interface Access {
  /** False where everybody may do everything; credentials are then not looked at. */
  readonly isRequired: boolean;
  /**
   * @param credential An API key or a session token, as it was given; undefined if nothing was.
   * @throws {AppError} `unauthorized` without a credential that is good, `forbidden` if it is good for less than `scope`.
   */
  admit(credential: string | undefined, scope: Scope): Promise<Grant>;
}

/** Whether `granted` is enough where `wanted` is asked for. */
export function covers(granted: Scope, wanted: Scope): boolean {
  return SCOPES.indexOf(granted) >= SCOPES.indexOf(wanted);
}

/** Whether a grant reaches the session of that owner: the subject's own, all for an admin, and no other than the one it is bound to. */
export function reaches(grant: Grant, session: { readonly id: string; readonly subject: string }): boolean {
  if (grant.sessionId !== null) return grant.sessionId === session.id;
  return covers(grant.scope, 'admin') || grant.subject === session.subject;
}

/**
 * The owner of a session that `grant` opens through `door`.
 *
 * @throws {AppError} `forbidden` if it is good for one session that exists already.
 */
export function ownerOf(grant: Grant, door: Door): SessionOwner {
  if (grant.sessionId !== null) {
    throw new AppError('forbidden', `The token is good for session ${grant.sessionId} alone; it opens no new ones.`);
  }
  return { door, subject: grant.subject, maxSessions: grant.maxSessions };
}

const ANYONE: Grant = {
  subject: 'anyone',
  scope: 'admin',
  credential: 'none',
  maxSessions: null,
  maxRequestsPerSecond: null,
  sessionId: null,
};

/** Access without keys: everybody is admitted to everything. */
export const FREE_ACCESS: Access = {
  isRequired: false,
  admit: async () => ANYONE,
};
