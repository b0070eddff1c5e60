import type { FastifyRequest, RouteOptions } from 'fastify';
import type { App } from '../app.ts';
import { type Access, FREE_ACCESS, type Grant, type RouteScope } from './access.ts';
import { credentialOf } from './credential.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route asks for. Every route must say; the server does not start otherwise. */
    scope?: RouteScope;
  }
  interface FastifyRequest {
    /** What the caller was admitted as; null on routes without a scope. */
    grant: Grant | null;
  }
}

/** Routes of plug-ins, which cannot say a scope themselves: the page's files and the answer to CORS preflights. */
const PLUGIN_ROUTES: Readonly<Record<string, RouteScope>> = {
  'HEAD,GET /*': 'public',
  'OPTIONS *': 'public',
};

/**
 * Asks for the scope of each route before anything of a request is read, WebSockets included. A route that forgot to say its
 * scope keeps the server from starting.
 */
export function guardRoutes(app: App, access: Access = FREE_ACCESS): void {
  const routes: RouteOptions[] = [];
  app.decorateRequest('grant', null);
  app.addHook('onRoute', (route) => {
    const scope = PLUGIN_ROUTES[`${route.method} ${route.url}`];
    if (scope) route.config = { ...route.config, scope: route.config?.scope ?? scope };
    routes.push(route);
  });
  app.addHook('onReady', async () => {
    const silent = routes.filter((route) => route.config?.scope === undefined);
    if (silent.length === 0) return;
    const names = silent.map((route) => `${route.method} ${route.url}`).join(', ');
    throw new TypeError(`These routes do not say config.scope (server/http/access/access.ts): ${names}`);
  });
  app.addHook('onRequest', async (request) => {
    const scope = request.routeOptions.config.scope;
    // Without a route there is nothing to reach but the answer 404.
    if (scope === undefined || scope === 'public' || scope === 'in-message') return;
    request.grant = await access.admit(credentialOf(request, request.ws), scope);
  });
}

/** What the caller of a route with a scope was admitted as. */
export function grantOf(request: FastifyRequest): Grant {
  if (request.grant) return request.grant;
  throw new TypeError(`${request.routeOptions.url} has no scope, so nobody was admitted to it`);
}
