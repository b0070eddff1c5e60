import { AppError } from '../../errors.ts';
import { type Access, covers, type Scope } from '../access/access.ts';
import { credentialOf } from '../access/credential.ts';
import { grantOf } from '../access/guard-routes.ts';
import type { SessionTokens } from '../access/session-tokens.ts';
import type { App } from '../app.ts';
import { described, nullable, record, refusals, SCOPE, type Schema } from './schemas.ts';

export interface AccessRouteOptions {
  readonly access: Access;
  readonly tokens: SessionTokens;
  readonly tokenLifetimeMaxS: number;
}

const SESSION_ID: Schema = { type: 'string', format: 'uuid' };

/** Tells what a credential is good for, and makes short-lived tokens of keys. */
export function serveAccess(api: App, { access, tokens, tokenLifetimeMaxS }: AccessRouteOptions): void {
  api.get(
    '/access',
    {
      config: { scope: 'public' },
      schema: {
        operationId: 'getAccess',
        tags: ['access'],
        summary: 'Whether a key is needed, and what the one given is good for',
        response: {
          200: record({
            required: described('Whether clients need a key.', { type: 'boolean' }),
            scope: described('What the caller may do; null if nothing.', nullable(SCOPE)),
          }),
        },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return { required: access.isRequired, scope: await scopeOf(access, credentialOf(request, false)) };
    },
  );

  api.post<{ Body: { scope: Scope; session_id?: string; lifetime_s?: number } }>(
    '/tokens',
    {
      config: { scope: 'speak' },
      schema: {
        operationId: 'createToken',
        tags: ['access'],
        summary: 'Makes a short-lived token, for clients that should not see the key',
        body: record(
          {
            scope: SCOPE,
            session_id: described('Makes it good for this session alone.', SESSION_ID),
            lifetime_s: described('Seconds until it expires; the longest allowed if left out.', {
              type: 'integer',
              minimum: 1,
              maximum: tokenLifetimeMaxS,
            }),
          },
          ['session_id', 'lifetime_s'],
        ),
        response: {
          201: record({
            token: { type: 'string' },
            token_type: { type: 'string', const: 'Bearer' },
            scope: SCOPE,
            session_id: nullable(SESSION_ID),
            expires_in_s: { type: 'integer' },
          }),
          ...refusals(400, 401, 403, 429),
        },
      },
    },
    async (request, reply) => {
      const grant = grantOf(request);
      const { scope, session_id: sessionId = null, lifetime_s: lifetimeS = tokenLifetimeMaxS } = request.body;
      if (grant.credential === 'token') {
        throw new AppError('forbidden', 'A token makes no further tokens; use the key.');
      }
      if (!covers(grant.scope, scope)) {
        throw new AppError(
          'forbidden',
          `The key is good for ${grant.scope}, and so can its tokens be; asked was ${scope}.`,
        );
      }
      const token = await tokens.issue({ subject: grant.subject, scope, sessionId }, lifetimeS);
      reply.code(201).header('cache-control', 'no-store');
      return { token, token_type: 'Bearer', scope, session_id: sessionId, expires_in_s: lifetimeS };
    },
  );
}

async function scopeOf(access: Access, credential: string | undefined): Promise<Scope | null> {
  try {
    return (await access.admit(credential, 'view')).scope;
  } catch {
    return null;
  }
}
