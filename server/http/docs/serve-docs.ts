import swaggerUi from '@fastify/swagger-ui';
import type { App } from '../app.ts';
import { noteRoutes, serveOpenApi } from './openapi.ts';

/**
 * Serves what describes this server: `/openapi.json`, `/openapi.yaml`, `/asyncapi.json`, and `/docs`, a page to read and try it.
 * To be called before the routes that are to be described.
 */
export async function serveDocs(app: App, { version }: { readonly version: string }): Promise<void> {
  await noteRoutes(app, version);
  serveOpenApi(app);
  await app.register(async (docs) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, scope: 'public' };
    });
    await docs.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { docExpansion: 'list', deepLinking: true, validatorUrl: null, persistAuthorization: false },
      theme: { title: 'musecast: interfaces' },
    });
  });
}
