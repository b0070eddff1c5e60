import { ownerOf } from '../access/access.ts';
import { grantOf } from '../access/guard-routes.ts';
import type { App } from '../app.ts';
import type { AvatarGallery } from '../avatar-gallery.ts';
import {
  type ApiSessions,
  describeSession,
  SESSION,
  SESSION_PARAMS,
  type SessionParams,
  sessionFor,
  sessionsFor,
} from './api-sessions.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { described, IDEMPOTENCY_HEADERS, type IdempotencyHeaders, listOf, NAME, record, refusals } from './schemas.ts';

/** How long a session of this door waits for a viewer, at first and whenever its last one has left. */
export const LINGER_MS = 30_000;

export interface SessionRouteOptions {
  readonly gallery: AvatarGallery;
  /** @throws {AppError} `not_ready` while the server starts. */
  readonly sessions: () => ApiSessions;
}

const TAGS = ['sessions'];

/** Serves sessions: create, list, look at, speak a clip, interrupt, change the avatar, close. */
export function serveSessions(api: App, { gallery, sessions }: SessionRouteOptions): void {
  const idempotency = new IdempotencyKeys();

  api.post<{ Body: { avatar_id?: string }; Headers: IdempotencyHeaders }>(
    '/sessions',
    {
      config: { scope: 'speak' },
      schema: {
        operationId: 'createSession',
        tags: TAGS,
        summary: 'Opens a session',
        description: `It waits ${LINGER_MS / 1000} s for a viewer or publisher, and as long after the last one has left.`,
        headers: IDEMPOTENCY_HEADERS,
        body: record({ avatar_id: described('The first avatar if left out.', NAME) }, ['avatar_id']),
        response: { 201: SESSION, ...refusals(400, 401, 403, 404, 409, 422, 429, 503) },
      },
    },
    async (request, reply) => {
      const owner = ownerOf(grantOf(request), 'rest');
      const key = request.headers['idempotency-key'];
      const order = { key, subject: owner.subject, order: request.body };
      const { status, headers, body, isReplay } = await idempotency.run(order, async () => {
        const avatar = await gallery.bring(request.body.avatar_id ?? null);
        const session = sessions().create(avatar.id, owner, { lingerMs: LINGER_MS });
        return { status: 201, headers: { location: `/api/sessions/${session.id}` }, body: describeSession(session) };
      });
      if (isReplay) reply.header('idempotent-replayed', 'true');
      return reply.code(status).headers(headers).send(body);
    },
  );

  api.get(
    '/sessions',
    {
      config: { scope: 'view' },
      schema: {
        operationId: 'listSessions',
        tags: TAGS,
        summary: 'Lists the sessions of the key; with the scope admin, all',
        response: { 200: record({ sessions: listOf(SESSION) }), ...refusals(401, 429, 503) },
      },
    },
    async (request) => ({ sessions: sessionsFor(grantOf(request), sessions()).map(describeSession) }),
  );

  api.get<{ Params: SessionParams }>(
    '/sessions/:id',
    {
      config: { scope: 'view' },
      schema: {
        operationId: 'getSession',
        tags: TAGS,
        summary: 'Tells how a session is',
        params: SESSION_PARAMS,
        response: { 200: SESSION, ...refusals(400, 401, 404, 429, 503) },
      },
    },
    async (request) => describeSession(sessionFor(grantOf(request), sessions(), request.params.id)),
  );

  api.post<{ Params: SessionParams; Body: { clip: string } }>(
    '/sessions/:id/clip',
    {
      config: { scope: 'speak' },
      schema: {
        operationId: 'sayClip',
        tags: TAGS,
        summary: 'Lets the avatar speak one of its audio clips',
        params: SESSION_PARAMS,
        body: record({ clip: NAME }),
        response: { 200: SESSION, ...refusals(400, 401, 403, 404, 422, 429, 503) },
      },
    },
    async (request) => {
      const session = sessionFor(grantOf(request), sessions(), request.params.id);
      await session.playClip(request.body.clip);
      return describeSession(session);
    },
  );

  api.post<{ Params: SessionParams }>(
    '/sessions/:id/interrupt',
    {
      config: { scope: 'speak' },
      schema: {
        operationId: 'interrupt',
        tags: TAGS,
        summary: 'Silences the avatar: the clip stops, what was not sent yet is not sent, the mouth closes',
        params: SESSION_PARAMS,
        response: { 200: SESSION, ...refusals(400, 401, 403, 404, 429, 503) },
      },
    },
    async (request) => {
      const session = sessionFor(grantOf(request), sessions(), request.params.id);
      session.interrupt();
      return describeSession(session);
    },
  );

  api.put<{ Params: SessionParams; Body: { avatar_id: string } }>(
    '/sessions/:id/avatar',
    {
      config: { scope: 'speak' },
      schema: {
        operationId: 'switchAvatar',
        tags: TAGS,
        summary: 'Shows another avatar, also while live',
        params: SESSION_PARAMS,
        body: record({ avatar_id: NAME }),
        response: { 200: SESSION, ...refusals(400, 401, 403, 404, 422, 429, 503) },
      },
    },
    async (request) => {
      const session = sessionFor(grantOf(request), sessions(), request.params.id);
      const { id } = await gallery.bring(request.body.avatar_id);
      if (session.state !== 'closed') session.setAvatar(id);
      return describeSession(session);
    },
  );

  api.delete<{ Params: SessionParams }>(
    '/sessions/:id',
    {
      config: { scope: 'speak' },
      schema: {
        operationId: 'closeSession',
        tags: TAGS,
        summary: 'Closes a session and everything that is connected with it',
        params: SESSION_PARAMS,
        response: { 204: { description: 'It is closed.', type: 'null' }, ...refusals(400, 401, 403, 404, 429, 503) },
      },
    },
    async (request, reply) => {
      await sessionFor(grantOf(request), sessions(), request.params.id).close('closed over /api');
      return reply.code(204).send();
    },
  );
}
