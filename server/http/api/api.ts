import type { Log } from '../../log.ts';
import type { App } from '../app.ts';
import { type AccessRouteOptions, serveAccess } from './access-routes.ts';
import { underApi } from './api-scope.ts';
import { type AvatarRouteOptions, serveAvatars } from './avatar-routes.ts';
import { type CatalogueRouteOptions, serveCatalogue } from './catalogue-routes.ts';
import { type ModelRouteOptions, serveModels } from './model-routes.ts';
import { record } from './schemas.ts';
import { type SessionRouteOptions, serveSessions } from './session-routes.ts';
import { serveWhip, type WhipRouteOptions } from './whip-routes.ts';

export interface ApiOptions
  extends AccessRouteOptions,
    AvatarRouteOptions,
    CatalogueRouteOptions,
    ModelRouteOptions,
    SessionRouteOptions,
    WhipRouteOptions {
  readonly log: Log;
}

/** Serves our own REST surface under `/api`. */
export function serveApi(app: App, options: ApiOptions): void {
  underApi(app, options.log, (api) => {
    refuseUnknownParameters(api);
    serveAccess(api, options);
    serveSessions(api, options);
    serveWhip(api, options);
    serveAvatars(api, options);
    serveCatalogue(api, options);
    serveModels(api, options);
  });
}

/** A route that says nothing of query parameters has none. */
function refuseUnknownParameters(api: App): void {
  api.addHook('onRoute', (route) => {
    route.schema = { ...route.schema, querystring: route.schema?.querystring ?? record({}) };
  });
}
