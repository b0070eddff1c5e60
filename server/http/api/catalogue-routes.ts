import type { App } from '../app.ts';
import { listOf, NAME, record, refusals } from './schemas.ts';

export interface CatalogueRouteOptions {
  /** Engines by id, and which one draws now; null while none runs. */
  readonly engines: () => { readonly known: readonly string[]; readonly running: string | null };
  /** What was counted and measured. */
  readonly figures: () => object;
}

const ENGINE = record({ id: NAME, state: { type: 'string', enum: ['running', 'available'] } });

/** Tells what there is: engines, figures. */
export function serveCatalogue(api: App, { engines, figures }: CatalogueRouteOptions): void {
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
