import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import { WebSocket } from 'ws';
import { type ApiRig, type ApiRigOptions, openApiRig } from '../testing/api-rig.ts';
import { TextClient } from '../testing/text-client.ts';
import { makeApiKey } from './access/api-key.ts';

/** What strangers try at the doors. Each test has a bystander with a session of its own, who must not notice. */
const KEYS = [
  { id: 'bystander', scope: 'speak' },
  { id: 'onlooker', scope: 'view' },
] as const;
const ID = '0b9d1c1e-3f43-4d53-9c2c-5d7ddc2c1f6e';

let rig: ApiRig;
let bystander: string;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await assertUnharmed();
  await rig.close();
});

async function open(options: ApiRigOptions = {}): Promise<void> {
  rig = await openApiRig({ keys: KEYS, ...options });
  // Not over /api, whose sessions end when nobody looks for a while.
  bystander = rig.registry.create('anna', { door: 'page', subject: 'bystander', maxSessions: null }).id;
}

/** The bystander's session is there, is the only one, and answers. */
async function assertUnharmed(): Promise<void> {
  assert.deepEqual(
    rig.registry.list().map(({ id }) => id),
    [bystander],
  );
  const { status } = await rig.ask('POST', `/api/sessions/${bystander}/interrupt`, { as: 'bystander' });
  assert.equal(status, 200);
}

/** Every route that wants something, as `fetch` would ask it. */
const ROUTES: readonly (readonly [string, string])[] = [
  ['GET', '/api/sessions'],
  ['POST', '/api/sessions'],
  ['GET', `/api/sessions/${ID}`],
  ['DELETE', `/api/sessions/${ID}`],
  ['POST', `/api/sessions/${ID}/clip`],
  ['POST', `/api/sessions/${ID}/interrupt`],
  ['PUT', `/api/sessions/${ID}/avatar`],
  ['POST', `/api/sessions/${ID}/whip`],
  ['POST', `/api/sessions/${ID}/whep`],
  ['POST', '/api/whip'],
  ['PATCH', `/api/sessions/${ID}/connections/${ID}`],
  ['DELETE', `/api/sessions/${ID}/connections/${ID}`],
  ['POST', '/api/tokens'],
  ['GET', '/api/avatars'],
  ['GET', '/api/figures'],
  ['GET', '/figures'],
  ['GET', '/avatars/anna/portrait'],
];

test('no key, a wrong one and an expired token open nothing, whatever is asked for and however it is asked', async () => {
  await open();
  const expired = await rig.tokens.issue({ subject: 'bystander', scope: 'speak', sessionId: null }, -60);
  for (const as of [undefined, makeApiKey(), expired, 'null', 'a.b.c', 'x'.repeat(4000)]) {
    for (const [method, path] of ROUTES) {
      const { status, headers, text } = await rig.ask(method, path, { as });
      assert.equal(status, 401, `${method} ${path}`);
      if (path.startsWith('/api/')) assert.equal(headers.get('www-authenticate'), 'Bearer');
      assert.ok(as === undefined || as.length < 6 || !text.includes(as), 'the credential is not repeated');
    }
    const url = `ws://127.0.0.1:${rig.port}/ws${as === undefined ? '' : `?access_token=${as}`}`;
    await assert.rejects(TextClient.open(url), /401/);
  }
});

test('a key that only looks on changes nothing', async () => {
  await open();
  for (const [method, path] of ROUTES.filter(([method, path]) => method !== 'GET' && !path.includes('/connections/'))) {
    const path2 = path.replace(ID, bystander);
    const { status } = await rig.ask(method, path2, { as: 'onlooker' });
    assert.equal(status, path.endsWith('/whep') ? 415 : 403, `${method} ${path}`);
  }
  await assert.rejects(TextClient.open(`ws://127.0.0.1:${rig.port}/ws?access_token=${rig.key('onlooker')}`), /403/);
});

test('a page of another site changes nothing, not even with a good key or without one where none is needed', async () => {
  await open();
  const headers = { origin: 'https://evil.example' };
  for (const [method, path] of ROUTES.filter(([method]) => method !== 'GET')) {
    const { status, body } = await rig.ask(method, path, { as: 'bystander', headers });
    assert.deepEqual([status, body.code], [403, 'refused'], `${method} ${path}`);
  }
  await assert.rejects(
    TextClient.open(`ws://127.0.0.1:${rig.port}/ws?access_token=${rig.key('bystander')}`, { headers }),
    /403/,
  );
  const read = await rig.ask('GET', '/api/avatars', { as: 'bystander', headers });
  assert.equal(read.headers.get('access-control-allow-origin'), null);
});

test('a name that was made to point here does not pass for this machine where everybody is let in', async () => {
  await open({ keys: undefined, isForThisMachine: true });
  const status = (host: string) =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: rig.port, path: '/api/sessions', headers: { host } };
      httpRequest(options, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
  assert.equal(await status(`evil.example:${rig.port}`), 403);
  assert.equal(await status(`localhost:${rig.port}`), 200);
});

test('thousands of connections from one address are cut off, and a client that was there goes on', async () => {
  await open({ maxTcpConnectionsPerAddress: 50 });
  const client = await TextClient.open(`ws://127.0.0.1:${rig.port}/ws?access_token=${rig.key('bystander')}`);
  for (let batch = 0; batch < 20; batch += 1) {
    // Only a socket that is read notices that it was cut off.
    for (let i = 0; i < 500; i += 1) connectRaw().resume();
    // The client holds one of the fifty.
    while (sockets.filter((socket) => !socket.closed).length > 49)
      await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal((await client.ask({ type: 'ping' })).type, 'pong');
  }
  assert.equal(sockets.length, 10_000);
  assert.ok((await connectionsOf(rig)) <= 50);
  for (const socket of sockets.splice(0)) socket.destroy();
  while ((await connectionsOf(rig)) > 10) await new Promise((resolve) => setTimeout(resolve, 5));
  await client.close();
});

test('headers that trickle in are not waited for, and a body that never comes is given up', async () => {
  await open();
  const slow = connectRaw();
  await once(slow, 'connect');
  slow.write('GET /api/sessions HTTP/1.1\r\nhost: localhost\r\n');
  const drip = setInterval(() => slow.write('x-drip: 1\r\n'), 300);
  const [data] = await once(slow, 'data');
  clearInterval(drip);
  assert.match(String(data), /^HTTP\/1\.1 408 /);
  await once(slow, 'close');
});

test('huge headers, bodies and messages are refused unread', async () => {
  await open();
  const big = 'x'.repeat(200_000);
  const body = await rig.ask('POST', '/api/sessions', { as: 'bystander', body: { avatar_id: big } });
  assert.deepEqual([body.status, body.body.code], [413, 'message_too_large']);
  const sdp = await rig.ask('POST', `/api/sessions/${bystander}/whip`, { as: 'bystander', body: `v=0\r\n${big}` });
  assert.equal(sdp.status, 413);
  const head = connectRaw();
  await once(head, 'connect');
  head.write(`GET /api/sessions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${big}\r\n\r\n`);
  assert.match(String((await once(head, 'data'))[0]), /^HTTP\/1\.1 431 /);
  const socket = new WebSocket(`ws://127.0.0.1:${rig.port}/ws?access_token=${rig.key('bystander')}`);
  await once(socket, 'open');
  socket.send(Buffer.alloc(3 * 1_048_576));
  assert.equal((await once(socket, 'close'))[0], 1009);
});

test('no path parameter leads anywhere but to a refusal', async () => {
  await open();
  const ways = [
    '..',
    '../..',
    '..%2f..%2fetc%2fpasswd',
    '%2e%2e%2f%2e%2e',
    '..%5c..',
    '%00',
    `${bystander}%00`,
    '%ff',
    '*',
  ];
  for (const way of [...ways, 'x'.repeat(2000), '%0d%0aset-cookie:%20a=b', `${bystander}/../${bystander}`]) {
    for (const [method, template] of [
      ['GET', '/api/sessions/@'],
      ['DELETE', '/api/sessions/@'],
      ['POST', '/api/sessions/@/interrupt'],
      ['POST', '/api/sessions/@/whep'],
      ['DELETE', `/api/sessions/${bystander}/connections/@`],
      ['GET', '/avatars/@/portrait'],
    ] as const) {
      const { status, headers } = await raw(method, template.replace('@', way));
      assert.ok(status >= 400 && status < 500, `${method} ${template} ${way}: ${status}`);
      assert.equal(headers['set-cookie'], undefined);
    }
  }
});

test('line breaks of a client never become headers', async () => {
  await open();
  const injected = 'a\r\nset-cookie: b=c';
  const answers = [
    await rig.ask('POST', '/api/sessions', { as: 'bystander', body: { avatar_id: injected } }),
    await rig.ask('POST', `/api/sessions/${bystander}/clip`, { as: 'bystander', body: { clip: injected } }),
    await rig.ask('GET', `/api/avatars?${encodeURIComponent(injected)}=${encodeURIComponent(injected)}`, {
      as: 'bystander',
    }),
    await rig.ask('POST', `/api/whip?avatar_id=${encodeURIComponent(injected)}`, { as: 'bystander', body: 'v=0' }),
  ];
  for (const { status, headers } of answers) {
    assert.ok(status === 400 || status === 404, String(status));
    assert.equal(headers.get('set-cookie'), null);
  }
});

test('a key that asks too much is slowed down alone', async () => {
  await open({ maxRequestsPerSecond: 20 });
  const statuses = await Promise.all(
    Array.from({ length: 200 }, async () => (await rig.ask('GET', '/api/avatars', { as: 'onlooker' })).status),
  );
  assert.ok(statuses.filter((status) => status === 429).length > 50);
  assert.equal((await rig.ask('GET', '/api/avatars', { as: 'bystander' })).status, 200);
});

function connectRaw(): Socket {
  const socket = connect(rig.port, '127.0.0.1');
  socket.on('error', () => {});
  sockets.push(socket);
  return socket;
}

function connectionsOf({ app }: ApiRig): Promise<number> {
  return new Promise((resolve, reject) =>
    app.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}

/** A request that is sent as it is: `fetch` would tidy up its path. */
function raw(method: string, path: string): Promise<{ status: number; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${rig.key('bystander')}` };
    const request = httpRequest({ host: '127.0.0.1', port: rig.port, method, path, headers }, (response) => {
      response.resume().on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    });
    request.on('error', reject).end();
  });
}
