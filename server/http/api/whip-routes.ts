import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';
import { ownerOf } from '../access/access.ts';
import { grantOf } from '../access/guard-routes.ts';
import type { App } from '../app.ts';
import type { AvatarGallery } from '../avatar-gallery.ts';
import type { ConnectViewer } from '../viewer.ts';
import {
  type ApiSession,
  type ApiSessions,
  SESSION_ID,
  SESSION_PARAMS,
  type SessionParams,
  sessionFor,
} from './api-sessions.ts';
import { type Connection, Connections } from './connections.ts';
import { iceServerLinks } from './ice-server-links.ts';
import { described, NAME, record, refusals, type Schema } from './schemas.ts';
import { FRAGMENT_TYPE } from './sdp-fragment.ts';
import { LINGER_MS } from './session-routes.ts';

export interface WhipRouteOptions {
  readonly gallery: AvatarGallery;
  readonly sessions: () => ApiSessions;
  readonly connectViewer: ConnectViewer;
  /** In the form of RTCConfiguration.iceServers; told as Link headers (RFC 9725 §4.6). */
  readonly iceServers: readonly { urls: string | readonly string[]; username?: string; credential?: string }[];
}

const SDP_TYPE = 'application/sdp';
const TAGS = ['media'];
const SDP_BODY: Schema = { content: { [SDP_TYPE]: { schema: { type: 'string' } } } };
const SDP_ANSWER = {
  description: 'The answer. Location is the connection, ETag its ICE session.',
  headers: {
    Location: { schema: { type: 'string' } },
    ETag: { schema: { type: 'string' } },
    Link: { schema: { type: 'string' } },
  },
  content: { [SDP_TYPE]: { schema: { type: 'string' } } },
};
const CONNECTION_PARAMS = record({
  id: described('Id of the session.', SESSION_ID),
  connection: described('Id of the connection.', SESSION_ID),
});
type ConnectionParams = SessionParams & { readonly connection: string };

/**
 * Serves publishing over WHIP (RFC 9725) and viewing in the manner of WHEP (draft-ietf-wish-whep): an SDP offer is posted, the
 * answer is a connection that is patched and deleted. All viewers of a session share every encode.
 */
export function serveWhip(api: App, options: WhipRouteOptions): void {
  const { gallery, sessions } = options;
  const connections = new Connections(options.connectViewer);
  const links = iceServerLinks(options.iceServers);
  for (const type of [SDP_TYPE, FRAGMENT_TYPE]) {
    api.addContentTypeParser(type, { parseAs: 'string' }, (_request, body, done) => done(null, body));
  }

  const answer = async (reply: FastifyReply, kind: Connection['kind'], session: ApiSession, offerSdp: string) => {
    const { connection, answerSdp } = await connections.open(kind, session, offerSdp);
    if (links.length > 0) reply.header('link', links);
    reply.header('location', `/api/sessions/${session.id}/connections/${connection.id}`);
    reply.header('etag', connection.etag);
    return reply.code(201).type(SDP_TYPE).send(answerSdp);
  };

  api.post<{ Querystring: { avatar_id?: string }; Body: string }>(
    '/whip',
    {
      config: { scope: 'speak' },
      schema: {
        operationId: 'publishNew',
        tags: TAGS,
        summary: 'Opens a session and publishes a microphone to it, for WHIP clients that know one address',
        querystring: record({ avatar_id: described('The first avatar if left out.', NAME) }, ['avatar_id']),
        body: SDP_BODY,
        response: { 201: SDP_ANSWER, ...refusals(400, 401, 403, 404, 415, 422, 429, 503) },
      },
    },
    async (request, reply) => {
      const offerSdp = sdpOf(request, SDP_TYPE);
      const owner = ownerOf(grantOf(request), 'whip');
      const avatar = await gallery.bring(request.query.avatar_id ?? null);
      const session = sessions().create(avatar.id, owner, { lingerMs: LINGER_MS });
      try {
        return await answer(reply, 'publisher', session, offerSdp);
      } catch (error) {
        await session.close('its offer could not be answered');
        throw error;
      }
    },
  );

  for (const [path, kind, scope, summary] of [
    [
      '/sessions/:id/whip',
      'publisher',
      'speak',
      'Publishes a microphone to a session; takes the place of the publisher before',
    ],
    [
      '/sessions/:id/whep',
      'viewer',
      'view',
      'Looks on: sends the picture and the sound of a session to one more viewer',
    ],
  ] as const) {
    api.post<{ Params: SessionParams; Body: string }>(
      path,
      {
        config: { scope },
        schema: {
          operationId: kind === 'publisher' ? 'publish' : 'view',
          tags: TAGS,
          summary,
          params: SESSION_PARAMS,
          body: SDP_BODY,
          response: { 201: SDP_ANSWER, ...refusals(400, 401, 403, 404, 409, 415, 422, 429, 503) },
        },
      },
      async (request, reply) => {
        const offerSdp = sdpOf(request, SDP_TYPE);
        return answer(reply, kind, sessionFor(grantOf(request), sessions(), request.params.id), offerSdp);
      },
    );
  }

  const find = (request: FastifyRequest<{ Params: ConnectionParams }>) => {
    const session = sessionFor(grantOf(request), sessions(), request.params.id);
    return connections.get(session.id, request.params.connection);
  };

  api.patch<{ Params: ConnectionParams; Headers: { 'if-match'?: string }; Body: string }>(
    '/sessions/:id/connections/:connection',
    {
      config: { scope: 'view' },
      schema: {
        operationId: 'trickle',
        tags: TAGS,
        summary: 'Adds ICE candidates, or restarts ICE with other parameters',
        params: CONNECTION_PARAMS,
        headers: {
          type: 'object',
          properties: { 'if-match': described('The ETag; * to restart ICE.', { type: 'string', maxLength: 128 }) },
        },
        body: { content: { [FRAGMENT_TYPE]: { schema: { type: 'string' } } } },
        response: {
          200: {
            description: 'The ICE session is a new one.',
            content: { [FRAGMENT_TYPE]: { schema: { type: 'string' } } },
          },
          204: { description: 'The candidates are taken.', type: 'null' },
          ...refusals(400, 401, 404, 412, 415, 428, 429),
        },
      },
    },
    async (request, reply) => {
      const fragment = sdpOf(request, FRAGMENT_TYPE);
      const connection = find(request);
      const told = await connections.patch(connection, request.headers['if-match'], fragment);
      if (told === null) return reply.code(204).send();
      return reply.code(200).header('etag', connection.etag).type(FRAGMENT_TYPE).send(told);
    },
  );

  api.delete<{ Params: ConnectionParams }>(
    '/sessions/:id/connections/:connection',
    {
      config: { scope: 'view' },
      schema: {
        operationId: 'leave',
        tags: TAGS,
        summary: 'Ends a connection; the session goes on as long as somebody is there',
        params: CONNECTION_PARAMS,
        response: { 200: { description: 'It is ended.', type: 'null' }, ...refusals(400, 401, 404, 429) },
      },
    },
    async (request, reply) => {
      find(request).leave('the client left');
      return reply.code(200).send();
    },
  );

  serveWhatIsReserved(api);
}

/** Methods that these addresses do not have: RFC 9725 §4.1 and §4.2 keep them for later, and OPTIONS says what may be posted. */
function serveWhatIsReserved(api: App): void {
  const refuse = (allowed: string) => async (_request: FastifyRequest, reply: FastifyReply) => {
    reply.header('allow', allowed);
    throw new AppError('method_not_allowed', `This address takes ${allowed}.`);
  };
  const hidden = { config: { scope: 'public' }, schema: { hide: true } } as const;
  for (const url of ['/whip', '/sessions/:id/whip', '/sessions/:id/whep']) {
    api.route({ ...hidden, method: ['GET', 'PUT', 'PATCH', 'DELETE'], url, handler: refuse('POST, OPTIONS') });
    api.options(url, hidden, async (_request, reply) =>
      reply.code(204).headers({ allow: 'POST, OPTIONS', 'accept-post': SDP_TYPE }).send(),
    );
  }
  const url = '/sessions/:id/connections/:connection';
  api.route({ ...hidden, method: ['GET', 'PUT', 'POST'], url, handler: refuse('PATCH, DELETE, OPTIONS') });
  api.options(url, hidden, async (_request, reply) =>
    reply.code(204).headers({ allow: 'PATCH, DELETE, OPTIONS', 'accept-patch': FRAGMENT_TYPE }).send(),
  );
}

/** @throws {AppError} `unsupported_media`, `bad_sdp` for an empty one. */
function sdpOf(request: FastifyRequest, type: string): string {
  const given = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (given !== type) throw new AppError('unsupported_media', `The body must be ${type}, got ${given ?? 'none'}`);
  if (typeof request.body === 'string' && request.body !== '') return request.body;
  throw new AppError('bad_sdp', `The body is empty; it must be ${type}.`);
}
