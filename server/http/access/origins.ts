import { isLoopback } from './open-access.ts';

/**
 * Whether a page of `origin` may use this server. Browsers apply no CORS to WebSockets and to simple requests: the look at the
 * `Origin` header is what keeps other sites from using a visitor's access to this server (RFC 6455 §10.2).
 *
 * @param origin The `Origin` header; undefined for clients that are no browsers, and for plain navigation.
 * @param host The `Host` header.
 * @param allowed Origins besides the server's own; `*` for all.
 */
export function allowsOrigin(origin: string | undefined, host: string, allowed: readonly string[]): boolean {
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

/**
 * Whether `host`, a `Host` header, names this machine. A server that lets everybody in because only this machine reaches it must
 * ask: a page of another site can have its name point here, and would then pass for the server's own (DNS rebinding).
 *
 * @param allowed Origins whose names are good as well.
 */
export function namesThisMachine(host: string, allowed: readonly string[]): boolean {
  if (!URL.canParse(`http://${host}`)) return false;
  const { hostname, host: withPort } = new URL(`http://${host}`);
  return isLoopback(hostname) || allowed.includes('*') || allowed.some((origin) => origin.endsWith(`//${withPort}`));
}
