import { basename, dirname } from 'node:path';
import type { FastifyRequest } from 'fastify';
import type { Access } from './access/access.ts';
import { credentialOf } from './access/credential.ts';
import type { App } from './app.ts';
import { type AvatarGallery, findAvatar } from './avatar-gallery.ts';

/** Browsers ask every time whether a portrait is still the same: an avatar may be deleted, and its id be given to another face. */
const PORTRAIT_MAX_AGE = 0;

const ANYTHING = { type: 'object', additionalProperties: true } as const;
const OPERATION = { tags: ['operation'] };
const SCHEMAS = {
  health: {
    ...OPERATION,
    operationId: 'health',
    summary: 'Answers as long as the process does, with how far each avatar is',
    response: { 200: ANYTHING },
  },
  ready: {
    ...OPERATION,
    operationId: 'ready',
    summary: 'Answers 200 while the server takes sessions, else 503',
    response: { 200: ANYTHING, 503: ANYTHING },
  },
  figures: {
    ...OPERATION,
    operationId: 'figures',
    summary: 'The same as /api/figures, at the address of earlier versions',
    response: { 200: ANYTHING },
  },
  portrait: {
    tags: ['avatars'],
    operationId: 'portrait',
    summary: 'The picture of an avatar',
    params: { type: 'object', required: ['id'], properties: { id: { type: 'string', maxLength: 64 } } },
  },
};

export interface StatusOptions {
  readonly gallery: AvatarGallery;
  readonly access: Access;
  /** Whether everybody may know of an avatar: those of the configuration, not the faces that people brought in. */
  readonly isPublic: (avatarId: string) => boolean;
  /** Whether an engine runs and each configured avatar has been prepared, or cannot be; those added later do not count. */
  readonly isStarted: () => boolean;
  /** What `/health` says besides `status`. */
  readonly health: () => object;
  /** What `/figures` says. */
  readonly figures: () => object;
}

/**
 * Serves what operators and load balancers ask: `/health` (the process answers; always 200, with how far each avatar is that the caller may know of), `/ready` (it takes sessions: 200, else 503), `/figures` (what was counted and measured); and the portraits of avatars.
 */
export function serveStatus(app: App, { gallery, access, isPublic, isStarted, health, figures }: StatusOptions): void {
  const isReady = () => isStarted() && gallery.ready().length > 0;
  const status = () => (isReady() ? 'ready' : 'loading');

  const avatarsFor = async (request: FastifyRequest) => {
    const all = gallery.progress();
    const isViewer = await access.admit(credentialOf(request, false), 'view').then(
      () => true,
      () => false,
    );
    return isViewer ? all : all.filter(({ id }) => isPublic(id));
  };

  app.get('/health', { config: { scope: 'public' }, schema: SCHEMAS.health }, async (request) => ({
    status: status(),
    avatars: await avatarsFor(request),
    ...health(),
  }));
  app.get('/ready', { config: { scope: 'public' }, schema: SCHEMAS.ready }, async (request, reply) => {
    if (!isReady()) reply.code(503).header('retry-after', '1');
    return { status: status(), avatars: await avatarsFor(request) };
  });
  app.get('/figures', { config: { scope: 'view' }, schema: SCHEMAS.figures }, async () => figures());
  app.get<{ Params: { id: string } }>(
    '/avatars/:id/portrait',
    { config: { scope: 'view' }, schema: SCHEMAS.portrait },
    (request, reply) => {
      const { portraitPath } = findAvatar(gallery, request.params.id);
      return reply.sendFile(basename(portraitPath), dirname(portraitPath), { maxAge: PORTRAIT_MAX_AGE });
    },
  );
}
