import type { FastifyRequest, RouteOptions } from 'fastify';
import { AppError } from '../../errors.ts';
import type { App } from '../app.ts';
import { type Access, FREE_ACCESS, type Grant, type RouteScope } from './access.ts';
import { credentialOf } from './credential.ts';
import { allowsOrigin, namesThisMachine } from './origins.ts';
import { RequestLimits } from './request-limits.ts';

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

export interface GuardOptions {
  /** Who may come in; everybody if absent. */
  readonly access?: Access;
  /** Origins besides the server's own whose pages may use it; `*` for all. */
  readonly origins: readonly string[];
  /** Requests per second of one key, or of one address where access is free. Default 100. */
  readonly maxRequestsPerSecond?: number;
  /** Whether everybody is let in because only this machine reaches the server. */
  readonly isForThisMachine?: boolean;
}

const DEFAULT_REQUESTS_PER_SECOND = 100;
/** Methods that change nothing: a page of another site may cause them, and does not get to see the answer. */
const HARMLESS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Asks for the scope of each route before anything of a request is read, WebSockets included. A route that forgot to say its
 * scope keeps the server from starting.
 */
export function guardRoutes(app: App, options: GuardOptions): void {
  const { access = FREE_ACCESS, origins } = options;
  const limits = new RequestLimits(options.maxRequestsPerSecond ?? DEFAULT_REQUESTS_PER_SECOND);
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
    const { host, headers, method, ip } = request;
    if (options.isForThisMachine && !namesThisMachine(host, origins)) {
      throw new AppError(
        'refused',
        'This server is for its own machine; open it as localhost, or set http.cors_origins.',
      );
    }
    if (!HARMLESS.has(method) && !allowsOrigin(headers.origin, host, origins)) {
      throw new AppError('refused', 'Pages of other sites may not do this; add theirs to http.cors_origins.');
    }
    const scope = request.routeOptions.config.scope;
    // Without a route there is nothing to reach but the answer 404.
    if (scope === undefined || scope === 'public' || scope === 'in-message') return;
    const grant = await access.admit(credentialOf(request, request.ws), scope);
    if (!limits.take(grant, ip)) throw new AppError('rate_limited', 'Too many requests; try again in a second.');
    request.grant = grant;
  });
}

/** What the caller of a route with a scope was admitted as. */
export function grantOf(request: FastifyRequest): Grant {
  if (request.grant) return request.grant;
  throw new TypeError(`${request.routeOptions.url} has no scope, so nobody was admitted to it`);
}
