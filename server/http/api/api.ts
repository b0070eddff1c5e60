import type { Log } from '../../log.ts';
import type { App } from '../app.ts';
import { type AccessRouteOptions, serveAccess } from './access-routes.ts';
import { underApi } from './api-scope.ts';

export interface ApiOptions extends AccessRouteOptions {
  readonly log: Log;
}

/** Serves our own REST surface under `/api`. */
export function serveApi(app: App, options: ApiOptions): void {
  underApi(app, options.log, (api) => {
    serveAccess(api, options);
  });
}
