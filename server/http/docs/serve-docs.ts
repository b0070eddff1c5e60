import swaggerUi from '@fastify/swagger-ui';
import type { App } from '../app.ts';
import { asyncApi } from './asyncapi.ts';
import { noteRoutes, serveOpenApi } from './openapi.ts';

/** The one inline style of the page's library, by its hash (CSP level 3 §8.3); it changes with the version of @fastify/swagger-ui, and the end-to-end test tells. */
const OWN_STYLE = "'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='";

/**
 * Serves what describes this server: `/openapi.json`, `/openapi.yaml`, `/asyncapi.json`, and `/docs`, a page to read and try it.
 * To be called before the routes that are to be described.
 */
export async function serveDocs(app: App, { version }: { readonly version: string }): Promise<void> {
  await noteRoutes(app, version);
  serveOpenApi(app);
  const messages = asyncApi(version);
  app.get('/asyncapi.json', { config: { scope: 'public' }, schema: { hide: true } }, async () => messages);
  await app.register(async (docs) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, scope: 'public' };
    });
    await docs.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { docExpansion: 'list', deepLinking: true, validatorUrl: null, persistAuthorization: false },
      transformStaticCSP: (policy) => policy.replace("style-src 'self'", `style-src 'self' ${OWN_STYLE}`),
      theme: { title: 'musecast: interfaces' },
    });
  });
}
