import type { App } from './app.ts';

/** What a `Host` header may look like to be repeated in a header of ours. */
const HOST = /^[\w.:[\]-]+$/;

/**
 * Headers that keep the page to itself: own scripts, styles and media only, the microphone for no one else.
 *
 * @param framers Origins besides the server's own whose pages may show this page in a frame; `*` for all.
 */
export function addSecurityHeaders(app: App, framers: readonly string[]): void {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self' blob:",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob: mediastream:",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors 'self' ${framers.join(' ')}`.trim(),
  ].join('; ');
  app.addHook('onSend', async (request, reply) => {
    // Safari before 15.4 does not take 'self' to include WebSockets of the same host.
    const sockets = HOST.test(request.host) ? ` ws://${request.host} wss://${request.host}` : '';
    reply.headers({
      'content-security-policy': `${policy}; connect-src 'self'${sockets}`,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'permissions-policy': 'microphone=(self), camera=(self), geolocation=()',
      'cross-origin-opener-policy': 'same-origin',
    });
  });
}
