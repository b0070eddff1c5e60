import type { App } from './app.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route takes large files, which need more time than {@link limitBodyTime} gives. */
    takesFiles?: boolean;
  }
}

const BODY_METHODS = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Cuts off a client whose request has not come whole in `limitMs`. Routes that take files have the server's own limit instead. */
export function limitBodyTime(app: App, limitMs: number): void {
  app.addHook('onRequest', async ({ raw, method, routeOptions }, reply) => {
    if (!BODY_METHODS.has(method) || routeOptions.config.takesFiles) return;
    const timer = setTimeout(() => {
      if (!raw.complete) raw.destroy();
    }, limitMs).unref();
    reply.raw.once('close', () => clearTimeout(timer));
  });
}
