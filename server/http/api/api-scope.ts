import { retryAfterS } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { App } from '../app.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';

/**
 * Adds the routes of `add` under `/api`, where every refusal is `application/problem+json` (RFC 9457) with its true status.
 */
export function underApi(app: App, log: Log, add: (api: App) => void): void {
  app.register(
    async (api: App) => {
      api.removeContentTypeParser('text/plain');
      api.setErrorHandler((error, request, reply) => {
        const told = problemOf(error, request.url);
        if (told.code === 'internal') log.error({ err: error, route: request.routeOptions.url }, 'a request failed');
        const wait = retryAfterS(error);
        if (wait !== null) reply.header('retry-after', String(wait));
        if (told.status === 401) reply.header('www-authenticate', 'Bearer');
        return reply.code(told.status).type(PROBLEM_TYPE).send(told);
      });
      add(api);
    },
    { prefix: '/api' },
  );
}
