import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { extname } from 'node:path';
import cors from '@fastify/cors';
import serveStatic from '@fastify/static';
import websocket from '@fastify/websocket';
import { type FastifyInstance, fastify } from 'fastify';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { type GuardOptions, guardRoutes } from './access/guard-routes.ts';
import { describeHttpError, PROBLEM_TYPE, problem } from './api/problem.ts';
import { limitBodyTime } from './body-time.ts';
import { limitConnections } from './connection-guard.ts';
import { Heartbeat } from './heartbeat.ts';
import { addSecurityHeaders } from './security-headers.ts';
import { SocketGuard } from './socket-guard.ts';

export type App = FastifyInstance;

export interface AppOptions extends Omit<GuardOptions, 'origins'> {
  readonly corsOrigins: readonly string[];
  readonly trustProxy: boolean;
  /** Absolute paths of PEM files; null for plain HTTP. */
  readonly tls: { readonly key: string; readonly certificate: string } | null;
  /** Longest request body. WebSocket messages up to {@link MAX_FRAME_BYTES} reach their route, which has its own limit. */
  readonly maxMessageBytes: number;
  /** How long a request without files may take to come whole; tests have less patience. */
  readonly bodyTimeoutMs?: number;
  /** WebSockets. */
  readonly maxConnectionsPerAddress: number;
  /** TCP connections of any kind; no limit if absent, and none behind a proxy. */
  readonly maxTcpConnectionsPerAddress?: number;
  /** Absolute path of the folder with the page. */
  readonly pageFolder: string;
  readonly log: Log;
}

/** WebSocket messages above this are not read at all: the socket closes with code 1009. */
const MAX_FRAME_BYTES = 2 * 1_048_576;
/** How long a request may take to come whole, without and with large files: 100 MB at 1.5 Mbit/s. */
const REQUEST_TIMEOUT_MS = 30_000;
const FILES_TIMEOUT_MS = 540_000;
const KEEP_ALIVE_TIMEOUT_MS = 10_000;
/** A client that trickles in the headers of a request (slow loris) is cut off after this, at the next look. */
const HEADERS_TIMEOUT_MS = 8000;
const CONNECTIONS_LOOK_MS = 2000;
/** How long clients may take to answer the close of their WebSocket when the server stops. */
const CLOSE_TIMEOUT_MS = 500;
/** WebSocket close code "going away" (RFC 6455 §7.4.1). */
const GOING_AWAY = 1001;
/** Kinds of file that a page is made of; sources, tests and settings beside them are not served. */
const PAGE_FILES = new Set(
  '.html .js .mjs .css .svg .png .jpg .jpeg .webp .ico .woff2 .webmanifest .wasm .mp3 .wav'.split(' '),
);

/**
 * Makes the HTTP server: the page, CORS, security headers, and WebSockets that are guarded and watched. Routes are added by
 * the callers; nothing is heard before {@link listen}.
 *
 * @throws {AppError} `tls_invalid` if the key or certificate cannot be used.
 */
export async function createApp(options: AppOptions): Promise<App> {
  const { log, corsOrigins } = options;
  const tls = options.tls && readTls(options.tls);
  const timeouts = { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: CONNECTIONS_LOOK_MS };
  const common = {
    requestTimeout: FILES_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    bodyLimit: options.maxMessageBytes,
    // The address and host that the one proxy in front of us saw; what came before it anybody can make up.
    trustProxy: options.trustProxy ? (_address: string, hop: number) => hop === 0 : false,
    forceCloseConnections: true,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  };
  const app: App = tls
    ? fastify({ ...common, https: { ...tls, ...timeouts } })
    : fastify({ ...common, http: timeouts });
  if (options.maxTcpConnectionsPerAddress && !options.trustProxy) {
    limitConnections(app.server, options.maxTcpConnectionsPerAddress);
  }
  app.setErrorHandler((error, request, reply) => {
    const { status, ...body } = describeHttpError(error);
    if (body.code === 'internal') log.error({ err: error, route: request.routeOptions.url }, 'a request failed');
    return reply.code(status).send(body);
  });
  app.setNotFoundHandler((request, reply) => {
    const message = 'Nothing is here.';
    if (!request.url.startsWith('/api/')) return reply.code(404).send({ code: 'not_found', message });
    return reply
      .code(404)
      .type(PROBLEM_TYPE)
      .send(problem(404, 'not_found', message, request.url));
  });
  addSecurityHeaders(app, corsOrigins);
  if (corsOrigins.length > 0) await allowOrigins(app, corsOrigins);
  await addWebSockets(app, options);
  limitBodyTime(app, options.bodyTimeoutMs ?? REQUEST_TIMEOUT_MS);
  guardRoutes(app, { ...options, origins: corsOrigins });
  await app.register(serveStatic, {
    root: options.pageFolder,
    allowedPath: (path) => isPageFile(path),
    dotfiles: 'ignore',
    maxAge: 0,
  });
  return app;
}

/** Lets pages of other sites see the answers, and send what is not a form (CORS). */
async function allowOrigins(app: App, origins: readonly string[]): Promise<void> {
  await app.register(cors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['location', 'etag', 'link', 'retry-after', 'www-authenticate', 'idempotent-replayed'],
    strictPreflight: false,
  });
}

/**
 * Opens the port.
 *
 * @returns The port, of use when 0 was asked for.
 * @throws {AppError} `port_unavailable`.
 */
export async function listen(app: App, host: string, port: number): Promise<number> {
  await app.ready();
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw portUnavailable(error, host, port);
  }
  const address = app.server.address();
  return typeof address === 'object' && address ? address.port : port;
}

/** Says in words why a port cannot be opened. */
export function portUnavailable(cause: unknown, host: string, port: number): AppError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program has it. Stop that one, or choose another with --port',
    EACCES: 'ports below 1024 are for the administrator. Choose another with --port',
    EADDRNOTAVAIL: 'this machine does not have that address. Choose another with --host',
    ENOTFOUND: 'there is no host of that name. Choose another with --host',
  };
  const reason = reasons[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new AppError('port_unavailable', `Port ${port} of ${host} cannot be opened: ${reason}.`, { cause });
}

async function addWebSockets(app: App, options: AppOptions): Promise<void> {
  const guard = new SocketGuard({
    origins: options.corsOrigins,
    maxConnectionsPerAddress: options.maxConnectionsPerAddress,
  });
  const heartbeat = new Heartbeat();
  const addresses = new WeakMap<IncomingMessage, string>();
  await app.register(websocket, {
    options: { maxPayload: MAX_FRAME_BYTES },
    // The library closes the socket with the right code itself; cutting it off here would lose that code.
    errorHandler: (error) => options.log.debug({ reason: error.message }, 'a WebSocket failed'),
    preClose: async () => {
      heartbeat.close();
      await closeSockets(app);
    },
  });
  app.addHook('onRequest', async (request, reply) => {
    if (!request.ws) return;
    addresses.set(request.raw, request.ip);
    const refusal = guard.refuse(request.headers.origin, request.host, request.ip);
    if (!refusal) return;
    options.log.debug({ address: request.ip, ...refusal }, 'a WebSocket was refused');
    await reply.code(refusal.status).send({ code: 'refused', message: refusal.message });
  });
  app.websocketServer.on('connection', (socket, request) => {
    socket.once('close', guard.enter(addresses.get(request) ?? ''));
    heartbeat.watch(socket);
  });
}

async function closeSockets(app: App): Promise<void> {
  const sockets = [...app.websocketServer.clients];
  const closed = sockets.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
  for (const socket of sockets) socket.close(GOING_AWAY, 'the server stops');
  const timer = setTimeout(() => {
    for (const socket of sockets) socket.terminate();
  }, CLOSE_TIMEOUT_MS);
  await Promise.all(closed);
  clearTimeout(timer);
}

function isPageFile(path: string): boolean {
  if (path.endsWith('/')) return true;
  return PAGE_FILES.has(extname(path)) && !/(^|\/)(e2e|node_modules)\/|\.config\.|\.(test|spec)\./.test(path);
}

function readTls({ key, certificate }: { key: string; certificate: string }): { key: Buffer; cert: Buffer } {
  try {
    return { key: readFileSync(key), cert: readFileSync(certificate) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('tls_invalid', `The files of http.tls cannot be read: ${reason}`, { cause });
  }
}
