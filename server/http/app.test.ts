import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { silentLog } from '../log.ts';
import { fakeAvatar } from '../testing/fakes.ts';
import { type HttpRig, type HttpRigOptions, openHttpRig } from '../testing/http-rig.ts';
import { TextClient } from '../testing/text-client.ts';
import { createApp, listen } from './app.ts';

const folder = mkdtempSync(join(tmpdir(), 'app-'));
let rig: HttpRig;

before(() => {
  const files: Record<string, string> = {
    'page/index.html': '<title>page</title>',
    'page/src/main.js': 'export {}',
    'page/tsconfig.json': '{"secret":1}',
    'page/vite.config.js': 'secret',
    'page/src/main.test.js': 'secret',
    'page/e2e/talk.spec.ts': 'secret',
    'page/e2e/fixture.html': 'secret',
    'page/.env.html': 'secret',
    'page/notes.md': 'secret',
    'outside.html': 'secret',
    'anna.png': 'portrait',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  for (const name of ['one', 'two']) {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`];
    execFileSync('openssl', ['req', '-x509', ...key, '-out', `${name}.pem`, '-days', '2', '-subj', '/CN=localhost'], {
      cwd: folder,
      stdio: 'ignore',
    });
  }
});
after(() => rmSync(folder, { recursive: true }));
afterEach(() => rig.close());

async function open(options: HttpRigOptions = {}): Promise<HttpRig> {
  rig = await openHttpRig({ pageFolder: join(folder, 'page'), ...options });
  return rig;
}

/** A GET that is sent as it is: `fetch` would tidy up its path and forbid caches. */
function rawGet(path: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: rig.port, path, headers }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on('error', reject).end();
  });
}

test('the page and its modules are served, with headers that keep it to itself', async () => {
  await open();
  const page = await rig.get('/');
  assert.equal(await page.text(), '<title>page</title>');
  assert.match(page.headers.get('content-type') ?? '', /text\/html/);
  assert.equal((await rig.get('/src/main.js')).status, 200);
  const policy = page.headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'none'; script-src 'self';/);
  assert.match(policy, new RegExp(`connect-src 'self' ws://127\\.0\\.0\\.1:${rig.port} `));
  assert.doesNotMatch(policy, /unsafe|https:/);
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
});

test('sources, tests and settings beside the page are not served', async () => {
  await open();
  for (const path of [
    '/tsconfig.json',
    '/vite.config.js',
    '/src/main.test.js',
    '/e2e/talk.spec.ts',
    '/e2e/fixture.html',
    '/src/../e2e/fixture.html',
    '/.env.html',
    '/notes.md',
    '/src/',
  ]) {
    const { status, body } = await rawGet(path);
    assert.ok(status === 404 || status === 403, `${path} ${status}`);
    assert.doesNotMatch(body, /secret/, path);
  }
});

test('no path leads out of the page folder', async () => {
  await open();
  for (const path of [
    '/../outside.html',
    '/%2e%2e/outside.html',
    '/..%2foutside.html',
    '/src/..%2f..%2foutside.html',
    '/..%5coutside.html',
    '//outside.html',
    '/%00/../outside.html',
    '/src/%2e%2e/%2e%2e/outside.html',
    '/avatars/..%2foutside/portrait',
    `/${join(folder, 'outside.html')}`,
  ]) {
    const { status, body } = await rawGet(path);
    assert.ok(status >= 400 && status < 500, `${path} ${status}`);
    assert.doesNotMatch(body, /secret/, path);
  }
});

test('health answers from the start, ready only when all avatars are, with how far they are', async () => {
  await open();
  rig.gallery.set('anna', 'ready', 1);
  rig.gallery.set('bert', 'preparing', 0.4);
  assert.deepEqual(await (await rig.get('/health')).json(), {
    status: 'loading',
    avatars: rig.gallery.progress(),
    sessions: 0,
  });
  const loading = await rig.get('/ready');
  assert.equal(loading.status, 503);
  assert.deepEqual(await loading.json(), {
    status: 'loading',
    avatars: [
      { id: 'anna', state: 'ready', share: 1, problem: null },
      { id: 'bert', state: 'preparing', share: 0.4, problem: null },
    ],
  });
  rig.gallery.set('bert', 'failed', 0, 'no face');
  assert.equal((await rig.get('/ready')).status, 200);
  assert.deepEqual(await (await rig.get('/health')).json(), {
    status: 'ready',
    avatars: rig.gallery.progress(),
    sessions: 0,
  });
  rig.gallery.set('anna', 'failed', 0, 'no face');
  assert.equal((await rig.get('/ready')).status, 503);
});

test('figures are what was counted', async () => {
  await open();
  assert.deepEqual(await (await rig.get('/figures')).json(), { counters: {} });
});

test('a portrait is served to be kept and asked for again, and an unknown avatar has none', async () => {
  await open();
  rig.gallery.avatars = [{ ...fakeAvatar('anna'), portraitPath: join(folder, 'anna.png') }];
  const portrait = await rig.get('/avatars/anna/portrait');
  assert.equal(portrait.headers.get('content-type'), 'image/png');
  assert.match(portrait.headers.get('cache-control') ?? '', /max-age=0/);
  assert.equal(await portrait.text(), 'portrait');
  const etag = portrait.headers.get('etag') ?? '';
  assert.equal((await rawGet('/avatars/anna/portrait', { 'if-none-match': etag })).status, 304);
  const unknown = await rig.get('/avatars/carl/portrait');
  assert.equal(unknown.status, 404);
  assert.deepEqual(await unknown.json(), { code: 'avatar_not_found', message: 'Avatar carl not found' });
});

test('other sites may call only when they are configured', async () => {
  await open({ corsOrigins: ['https://good.example'] });
  const allowed = async (origin: string) =>
    (await rig.get('/health', { origin })).headers.get('access-control-allow-origin');
  assert.equal(await allowed('https://good.example'), 'https://good.example');
  assert.notEqual(await allowed('https://bad.example'), 'https://bad.example');
});

test('a WebSocket of another site is refused, of the own page, a configured one or no browser it is not', async () => {
  await open({ corsOrigins: ['https://good.example'] });
  for (const origin of ['https://bad.example', 'null', `http://127.0.0.1:${rig.port + 1}`]) {
    await assert.rejects(rig.client({ origin }), /403/, origin);
  }
  for (const origin of ['https://good.example', `http://127.0.0.1:${rig.port}`, undefined]) {
    const client = await rig.client({ origin });
    assert.equal((await client.ask({ type: 'ping' })).type, 'pong');
  }
});

test('an address may hold so many WebSockets open, and a closed one makes room', async () => {
  await open({ maxConnectionsPerAddress: 2 });
  const first = await rig.client();
  await rig.client();
  await assert.rejects(rig.client(), /429/);
  await first.close();
  assert.equal((await (await rig.client()).ask({ type: 'ping' })).type, 'pong');
});

test('behind a trusted proxy the limit counts the addresses that the proxy saw', async () => {
  await open({ maxConnectionsPerAddress: 1, trustProxy: true });
  const url = `ws://127.0.0.1:${rig.port}/ws`;
  const from = (address: string) => TextClient.open(url, { headers: { 'x-forwarded-for': `192.0.2.99, ${address}` } });
  await from('192.0.2.1');
  await from('192.0.2.2');
  await assert.rejects(from('192.0.2.1'), /429/);
});

test('a WebSocket on a path that has none is closed', async () => {
  await open();
  const socket = await TextClient.open(`ws://127.0.0.1:${rig.port}/nowhere`);
  await socket.closed();
});

test('a request body above the limit is refused', async () => {
  await open();
  const response = await fetch(`http://127.0.0.1:${rig.port}/nowhere`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify('x'.repeat(20_000)),
  });
  assert.equal(response.status, 413);
});

test('the server stops although clients hold connections open', async () => {
  await open();
  const client = await rig.client();
  const idle = connect(rig.port, '127.0.0.1');
  await new Promise((resolve) => idle.once('connect', resolve));
  idle.on('error', () => {});
  const closed = client.closed();
  await rig.app.close();
  assert.equal(await closed, 1001);
  idle.destroy();
});

test('a port that is taken is told in words', async () => {
  const taken = (await open()).port;
  const app = await createApp({
    corsOrigins: [],
    trustProxy: false,
    tls: null,
    maxMessageBytes: 10_000,
    maxConnectionsPerAddress: 1,
    pageFolder: join(folder, 'page'),
    log: silentLog(),
  });
  await assert.rejects(listen(app, '127.0.0.1', taken), {
    code: 'port_unavailable',
    message: `Port ${taken} of 127.0.0.1 cannot be opened: another program has it. Stop that one, or choose another with --port.`,
  });
  await app.close();
});

test('with a key and certificate the server speaks HTTPS and secure WebSockets', async () => {
  await open({ tls: { key: join(folder, 'one.key'), certificate: join(folder, 'one.pem') } });
  const status = await new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: rig.port, path: '/', rejectUnauthorized: false };
    httpsRequest(options, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end();
  });
  assert.equal(status, 200);
  assert.equal((await (await rig.client()).ask({ type: 'ping' })).type, 'pong');
});
