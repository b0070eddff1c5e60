import { basename, dirname } from 'node:path';
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
  /** Whether an engine runs and each configured avatar has been prepared, or cannot be; those added later do not count. */
  readonly isStarted: () => boolean;
  /** What `/health` says besides `status`. */
  readonly health: () => object;
  /** What `/figures` says. */
  readonly figures: () => object;
}

/**
 * Serves what operators and load balancers ask: `/health` (the process answers; always 200, with how far each avatar is), `/ready` (it takes sessions: 200, else 503), `/figures` (what was counted and measured); and the portraits of avatars.
 */
export function serveStatus(app: App, { gallery, isStarted, health, figures }: StatusOptions): void {
  const isReady = () => isStarted() && gallery.ready().length > 0;
  const status = () => (isReady() ? 'ready' : 'loading');

  app.get('/health', { config: { scope: 'public' }, schema: SCHEMAS.health }, async () => ({
    status: status(),
    avatars: gallery.progress(),
    ...health(),
  }));
  app.get('/ready', { config: { scope: 'public' }, schema: SCHEMAS.ready }, async (_request, reply) => {
    if (!isReady()) reply.code(503).header('retry-after', '1');
    return { status: status(), avatars: gallery.progress() };
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
