import type { App } from '../app.ts';
import { type AvatarGallery, portraitUrl } from '../avatar-gallery.ts';
import { described, listOf, NAME, nullable, record, refusals } from './schemas.ts';

export interface CatalogueRouteOptions {
  readonly gallery: AvatarGallery;
  /** Engines by id, and which one draws now; null while none runs. */
  readonly engines: () => { readonly known: readonly string[]; readonly running: string | null };
  /** What was counted and measured. */
  readonly figures: () => object;
}

const AVATAR = record({
  id: NAME,
  name: NAME,
  state: { type: 'string', enum: ['waiting', 'preparing', 'ready', 'failed'] },
  share: described('How far it is prepared.', { type: 'number', minimum: 0, maximum: 1 }),
  problem: described('Why it failed.', nullable({ type: 'string' })),
  audio_clips: listOf(NAME),
  portrait: described('Path of its picture; null until it is ready.', nullable({ type: 'string' })),
});
const ENGINE = record({ id: NAME, state: { type: 'string', enum: ['running', 'available'] } });

/** Tells what there is: avatars, engines, figures. */
export function serveCatalogue(api: App, { gallery, engines, figures }: CatalogueRouteOptions): void {
  api.get(
    '/avatars',
    {
      config: { scope: 'view' },
      schema: {
        operationId: 'listAvatars',
        tags: ['avatars'],
        summary: 'Lists the avatars, and how far each is',
        response: { 200: record({ avatars: listOf(AVATAR) }), ...refusals(401, 429) },
      },
    },
    async () => ({ avatars: describeAvatars(gallery) }),
  );

  api.get(
    '/engines',
    {
      config: { scope: 'view' },
      schema: {
        operationId: 'listEngines',
        tags: ['operation'],
        summary: 'Lists the engines, and which one draws',
        response: { 200: record({ engines: listOf(ENGINE) }), ...refusals(401, 429) },
      },
    },
    async () => {
      const { known, running } = engines();
      const ids = running === null || known.includes(running) ? known : [...known, running];
      return { engines: ids.map((id) => ({ id, state: id === running ? 'running' : 'available' })) };
    },
  );

  api.get(
    '/figures',
    {
      config: { scope: 'view' },
      schema: {
        operationId: 'getFigures',
        tags: ['operation'],
        summary: 'Tells what was counted and measured',
        response: { 200: { type: 'object', additionalProperties: true }, ...refusals(401, 429) },
      },
    },
    async () => figures(),
  );
}

function describeAvatars(gallery: AvatarGallery) {
  const ready = new Map(gallery.ready().map((avatar) => [avatar.id, avatar]));
  return gallery.progress().map(({ id, state, share, problem }) => {
    const avatar = ready.get(id);
    return {
      id,
      name: avatar?.name ?? id,
      state,
      share,
      problem,
      audio_clips: Object.keys(avatar?.audioClips ?? {}),
      portrait: avatar ? portraitUrl(id) : null,
    };
  });
}
