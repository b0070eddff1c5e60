import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import multipart from '@fastify/multipart';
import { AppError } from '../../errors.ts';
import type { OwnAvatars } from '../../own-avatars.ts';
import { grantOf } from '../access/guard-routes.ts';
import type { App } from '../app.ts';
import type { AvatarGallery } from '../avatar-gallery.ts';
import {
  AVATAR,
  AVATAR_IN_LIST,
  AVATAR_PARAMS,
  type AvatarParams,
  describeInList,
  describeWhole,
  ROOM,
} from './api-avatars.ts';
import { progressEvents } from './avatar-progress.ts';
import { idOf, plainText, takeAvatarUpload } from './avatar-upload.ts';
import { IdempotencyKeys } from './idempotency.ts';
import {
  described,
  ID,
  IDEMPOTENCY_HEADERS,
  type IdempotencyHeaders,
  listOf,
  NAME,
  record,
  refusals,
  type Schema,
} from './schemas.ts';

/** Readers of progress at a time. */
const MAX_PROGRESS_READERS = 64;

export interface AvatarRouteOptions {
  readonly gallery: AvatarGallery;
  readonly ownAvatars: Pick<OwnAvatars, 'find' | 'places' | 'requireRoom' | 'begin' | 'add' | 'rename' | 'remove'>;
  readonly maxUploadBytes: number;
}

const TAGS = ['avatars'];
const BINARY: Schema = { type: 'string', contentMediaType: 'application/octet-stream' };
/** What {@link takeAvatarUpload} reads; shown in the document only. */
const UPLOAD = record(
  {
    id: described('Made from the name if left out.', ID),
    name: described('What people read; one line.', { type: 'string', minLength: 1, maxLength: 64 }),
    consent: described('Who says that the person shown agrees; one line.', {
      type: 'string',
      minLength: 1,
      maxLength: 256,
    }),
    file: described(
      'One photo or video; or several: clips `idle_0.mp4`, `speaking_0.mp4`, …, or the pictures of a film.',
      {
        anyOf: [BINARY, listOf(BINARY)],
      },
    ),
  },
  ['id'],
);

/** Serves avatars: list, look at, bring in, watch its preparation, rename, delete. */
export function serveAvatars(api: App, options: AvatarRouteOptions): void {
  const { gallery, ownAvatars } = options;
  let readers = 0;

  const describe = (id: string) => {
    const told = describeWhole(gallery, id, ownAvatars.find(id));
    if (told) return told;
    throw new AppError('avatar_not_found', `Avatar ${id} not found`);
  };

  api.get(
    '/avatars',
    {
      config: { scope: 'view' },
      schema: {
        operationId: 'listAvatars',
        tags: TAGS,
        summary: 'Lists the avatars, and how far each is',
        response: { 200: record({ avatars: listOf(AVATAR_IN_LIST), room: ROOM }), ...refusals(401, 429) },
      },
    },
    async () => ({
      avatars: gallery.progress().map(({ id }) => describeInList(gallery, id, ownAvatars.find(id))),
      room: { places: ownAvatars.places, max_bytes: options.maxUploadBytes },
    }),
  );

  api.get<{ Params: AvatarParams }>(
    '/avatars/:id',
    {
      config: { scope: 'view' },
      schema: {
        operationId: 'getAvatar',
        tags: TAGS,
        summary: 'Tells how an avatar is, and what was found out about its pictures',
        params: AVATAR_PARAMS,
        response: { 200: AVATAR, ...refusals(400, 401, 404, 429) },
      },
    },
    async (request) => describe(request.params.id),
  );

  api.get<{ Params: AvatarParams }>(
    '/avatars/:id/progress',
    {
      config: { scope: 'view' },
      schema: {
        operationId: 'watchAvatar',
        tags: TAGS,
        summary: 'Tells how the preparation of an avatar goes on, as server-sent events',
        description:
          'Events `progress` with `{id, state, share, problem}`; `removed` if it is given up. Ends when there is no more to tell.',
        params: AVATAR_PARAMS,
        response: {
          200: {
            description: 'The events.',
            content: { 'text/event-stream': { schema: { type: 'string' } } },
          },
          ...refusals(400, 401, 404, 429, 503),
        },
      },
    },
    async (request, reply) => {
      const { id } = describe(request.params.id);
      if (readers >= MAX_PROGRESS_READERS) {
        throw new AppError(
          'server_full',
          `${MAX_PROGRESS_READERS} clients watch already; ask GET /api/avatars/${id} instead.`,
        );
      }
      readers += 1;
      const events = progressEvents(gallery, id).once('close', () => {
        readers -= 1;
      });
      return reply
        .type('text/event-stream')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(events);
    },
  );

  api.patch<{ Params: AvatarParams; Body: { name: string } }>(
    '/avatars/:id',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'renameAvatar',
        tags: TAGS,
        summary: 'Gives an avatar that was brought in another name',
        params: AVATAR_PARAMS,
        body: record({ name: NAME }),
        response: { 200: AVATAR, ...refusals(400, 401, 403, 404, 429) },
      },
    },
    async (request) => {
      const { id } = request.params;
      await ownAvatars.rename(id, plainText('name', request.body.name, 64));
      return describe(id);
    },
  );

  api.delete<{ Params: AvatarParams }>(
    '/avatars/:id',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'deleteAvatar',
        tags: TAGS,
        summary: 'Deletes an avatar that was brought in, or gives up its preparation; nothing is kept of it',
        description: 'Sessions that show it do so to their end.',
        params: AVATAR_PARAMS,
        response: { 204: { description: 'It is gone.', type: 'null' }, ...refusals(400, 401, 403, 404, 429) },
      },
    },
    async (request, reply) => {
      await ownAvatars.remove(request.params.id);
      return reply.code(204).send();
    },
  );

  // In a scope of its own: nothing else takes multipart bodies.
  api.register(async (scope: App) => {
    await scope.register(multipart, { throwFileSizeLimit: false });
    serveUpload(scope, options, describe);
  });
}

function serveUpload(
  api: App,
  { ownAvatars, maxUploadBytes }: AvatarRouteOptions,
  describe: (id: string) => object,
): void {
  const idempotency = new IdempotencyKeys();

  api.post<{ Headers: IdempotencyHeaders }>(
    '/avatars',
    {
      config: { scope: 'admin', multipart: UPLOAD, takesFiles: true },
      schema: {
        operationId: 'createAvatar',
        tags: TAGS,
        summary: 'Makes an avatar of a photo or video',
        description:
          'It is kept, and prepared in its turn: ask the Location how far it is, or read its `/progress`. Give the fields before the file.',
        headers: IDEMPOTENCY_HEADERS,
        response: { 202: AVATAR, ...refusals(400, 401, 403, 409, 413, 415, 422, 429, 503) },
      },
    },
    async (request, reply) => {
      const { subject } = grantOf(request);
      const key = request.headers['idempotency-key'];
      const folder = await ownAvatars.begin();
      try {
        // A repeated order is recognised when all of it is there; one that is not repeated is refused as soon as it can be.
        const check = key === undefined ? (id: string) => ownAvatars.requireRoom(id) : () => {};
        const upload = await takeAvatarUpload(request, folder, maxUploadBytes, check);
        const order = { key, subject, order: upload };
        const { status, headers, body, isReplay } = await idempotency.run(order, async () => {
          const { name, consent: consentBy, source } = upload;
          const id = upload.id ?? idOf(name);
          await ownAvatars.add({ id, name, consentBy, folder, source });
          return { status: 202, headers: { location: join('/api/avatars', id) }, body: describe(id) };
        });
        if (isReplay) reply.header('idempotent-replayed', 'true');
        return reply.code(status).headers(headers).send(body);
      } finally {
        // What became an avatar has another name by now.
        await rm(folder, { recursive: true, force: true });
      }
    },
  );
}
