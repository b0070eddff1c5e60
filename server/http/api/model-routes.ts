import type { App } from '../app.ts';
import type { ModelsState } from './models-state.ts';
import { described, listOf, NAME, nullable, record, refusals, type Schema } from './schemas.ts';

export interface ModelRouteOptions {
  readonly models: {
    /** Ids of the engines that may be loaded. */
    readonly ids: readonly string[];
    readonly state: () => Promise<ModelsState>;
    /** Begins to load an engine. @throws {AppError} `not_ready`, `in_progress` */
    readonly switchTo: (id: string) => void;
  };
}

const TEXT: Schema = { type: 'string' };
const SHARE: Schema = { type: 'number', minimum: 0, maximum: 1 };

const MODEL = record({
  name: NAME,
  version: described('Such as musetalk-1.5.', TEXT),
  precision: TEXT,
  weights: described('random: made to be tried without the published weights; what it draws is noise.', {
    type: 'string',
    enum: ['published', 'random'],
  }),
});

const ENGINE = record({
  id: NAME,
  state: described('incomplete: files are missing.', {
    type: 'string',
    enum: ['running', 'loading', 'available', 'incomplete'],
  }),
  missing_files: listOf(TEXT),
  provider: described('What computes: an execution provider, or remote; null while it does not run.', nullable(TEXT)),
  refused: described('Why nothing faster computes.', listOf(record({ provider: TEXT, reason: TEXT }))),
  models: listOf(MODEL),
});

const STATE = record({
  running: described('The engine that draws; null before one does.', nullable(NAME)),
  loading: described(
    'How far a start is; null where none is under way.',
    nullable(record({ engine: NAME, step: TEXT, share: SHARE })),
  ),
  problem: described('Why the last switch came to nothing.', nullable(record({ engine: NAME, detail: TEXT }))),
  engines: listOf(ENGINE),
});

/** Tells which models are loaded, and loads those of another engine while sessions run. */
export function serveModels(api: App, { models }: ModelRouteOptions): void {
  api.get(
    '/models',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'getModels',
        tags: ['operation'],
        summary: 'Tells which models are loaded, loading or missing, and what computes them',
        response: { 200: STATE, ...refusals(401, 403, 429) },
      },
    },
    async () => models.state(),
  );

  api.post<{ Body: { engine: string } }>(
    '/models',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'switchModels',
        tags: ['operation'],
        summary: 'Loads the models of an engine and gives it all sessions, without interrupting them',
        description:
          'The answer comes at once; GET tells how far it is. The engine before draws until the new one can, and is unloaded then, so both are in memory for a while. static unloads all models. The id of the engine that runs loads its models anew.',
        body: record({ engine: { type: 'string', enum: [...models.ids] } }),
        response: { 202: STATE, ...refusals(400, 401, 403, 409, 429, 503) },
      },
    },
    async (request, reply) => {
      models.switchTo(request.body.engine);
      reply.code(202);
      return models.state();
    },
  );
}
