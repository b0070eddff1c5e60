import swagger from '@fastify/swagger';
import type { RouteOptions } from 'fastify';
import { stringify } from 'yaml';
import type { RouteScope } from '../access/access.ts';
import type { App } from '../app.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body of a route that reads `multipart/form-data` itself, as a JSON Schema for the document. */
    multipart?: Readonly<Record<string, unknown>>;
  }
}

const DESCRIPTION = `A voice becomes a talking avatar. Sessions are opened here, sound comes in and pictures go out over WebRTC
(WHIP and WHEP), over the WebSocket \`/ws\` or over the frame service; those two are described in
[asyncapi.json](/asyncapi.json). What is refused under \`/api\` is an \`application/problem+json\` (RFC 9457).`;

const TAGS = [
  { name: 'sessions', description: 'Avatars that speak' },
  { name: 'media', description: 'Microphones in (WHIP, RFC 9725), pictures and sound out (WHEP)' },
  { name: 'avatars', description: 'Faces' },
  { name: 'access', description: 'Keys and tokens' },
  { name: 'streamer', description: 'The Streamer’s REST, for its clients' },
  { name: 'frame service', description: 'The frame service’s REST, for its clients' },
  { name: 'operation', description: 'For operators' },
];

/** Begins to note the routes that are added from now on, for {@link openApiOf}. WebSockets stand in the AsyncAPI document. */
export async function noteRoutes(app: App, version: string): Promise<void> {
  demandWords(app);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'musecast', version, description: DESCRIPTION, license: { name: 'MIT', identifier: 'MIT' } },
      tags: TAGS,
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'An API key, or a token of POST /api/tokens.' },
        },
      },
    },
    transform: ({ schema, url, route }) => {
      const given: Record<string, unknown> = { ...schema };
      if (isSocket(route)) given.hide = true;
      else Object.assign(given, securityOf(route.config?.scope));
      const { multipart } = route.config ?? {};
      if (multipart) Object.assign(given, { consumes: ['multipart/form-data'], body: multipart });
      return { schema: given, url };
    },
  });
}

/** A route that says nothing of itself keeps the server from starting: the document would keep it secret. */
function demandWords(app: App): void {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => void routes.push(route));
  app.addHook('onReady', async () => {
    const silent = routes.filter((route) => {
      const { hide, summary, tags } = route.schema ?? {};
      return !isSocket(route) && !isHead(route) && !hide && !(summary && tags?.length);
    });
    if (silent.length === 0) return;
    const names = silent.map((route) => `${route.method} ${route.url}`).join(', ');
    throw new TypeError(`These routes do not say schema.summary and schema.tags, or schema.hide: ${names}`);
  });
}

/** Fastify adds one for every GET. */
function isHead(route: RouteOptions): boolean {
  return route.method === 'HEAD';
}

/** The OpenAPI 3.1 document of the routes of `app`, which must be ready. */
export function openApiOf(app: App): object {
  return app.swagger();
}

/** Serves the document as `/openapi.json` and `/openapi.yaml`. */
export function serveOpenApi(app: App): void {
  const hidden = { config: { scope: 'public' }, schema: { hide: true } } as const;
  app.get('/openapi.json', hidden, async () => openApiOf(app));
  app.get('/openapi.yaml', hidden, async (_request, reply) =>
    reply.type('application/yaml; charset=utf-8').send(stringify(openApiOf(app), { aliasDuplicateObjects: false })),
  );
}

function securityOf(scope: RouteScope | undefined) {
  if (scope === 'public') return { security: [] };
  return { security: [{ bearer: [] }], 'x-scope': scope };
}

function isSocket(route: RouteOptions): boolean {
  return 'websocket' in route && route.websocket === true;
}
