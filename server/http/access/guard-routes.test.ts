import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { AppError } from '../../errors.ts';
import { type HttpRig, OWN_AVATAR, openHttpRig } from '../../testing/http-rig.ts';
import { TextClient } from '../../testing/text-client.ts';
import { type Access, covers, type Grant } from './access.ts';

const GRANT: Grant = {
  subject: 'kiosk',
  scope: 'speak',
  credential: 'key',
  maxSessions: 1,
  maxRequestsPerSecond: null,
  sessionId: null,
};
/** Knows one credential. */
const ACCESS: Access = {
  isRequired: true,
  async admit(credential, scope) {
    if (credential !== 'good') throw new AppError('unauthorized', 'Give a key.');
    if (!covers(GRANT.scope, scope)) throw new AppError('forbidden', 'Not with this key.');
    return GRANT;
  },
};

let rig: HttpRig | null = null;
afterEach(() => rig?.close());

test('a route is reached with a credential that is good for its scope, and refused in words otherwise', async () => {
  rig = await openHttpRig({ access: ACCESS });
  const status = async (authorization?: string) => {
    const response = await rig!.get('/figures', authorization ? { authorization } : {});
    return [response.status, ((await response.json()) as { code?: string }).code];
  };
  assert.deepEqual(await status(), [401, 'unauthorized']);
  assert.deepEqual(await status('Bearer bad'), [401, 'unauthorized']);
  assert.deepEqual(await status('Basic good'), [401, 'unauthorized']);
  assert.deepEqual(await status('Bearer good'), [200, undefined]);
});

test('public routes and unknown paths ask for nothing', async () => {
  rig = await openHttpRig({ access: ACCESS });
  for (const path of ['/', '/health', '/ready', '/src/main.js']) assert.equal((await rig.get(path)).status, 200, path);
  assert.equal((await rig.get('/nowhere')).status, 404);
});

test('faces that people brought in are told to those who may look on, not to everybody', async () => {
  rig = await openHttpRig({ access: ACCESS });
  rig.gallery.set('anna', 'ready', 1);
  rig.gallery.set(OWN_AVATAR, 'preparing', 0.5);
  const told = async (path: string, headers = {}) => {
    const { avatars } = (await (await rig!.get(path, headers)).json()) as { avatars: { id: string }[] };
    return avatars.map(({ id }) => id).includes(OWN_AVATAR);
  };
  for (const path of ['/health', '/ready']) {
    assert.equal(await told(path), false);
    assert.equal(await told(path, { authorization: 'Bearer bad' }), false);
    assert.equal(await told(path, { authorization: 'Bearer good' }), true);
  }
});

test('a WebSocket takes its credential from the header or the query, an HTTP request from the header alone', async () => {
  rig = await openHttpRig({ access: ACCESS });
  const url = `ws://127.0.0.1:${rig.port}/ws`;
  await assert.rejects(TextClient.open(url), /401/);
  await assert.rejects(TextClient.open(`${url}?access_token=bad`), /401/);
  const byQuery = await TextClient.open(`${url}?access_token=good`);
  const byHeader = await TextClient.open(url, { headers: { authorization: 'Bearer good' } });
  assert.equal((await byQuery.ask({ type: 'ping' })).type, 'pong');
  assert.equal((await byHeader.ask({ type: 'ping' })).type, 'pong');
  assert.equal((await rig.get('/figures?access_token=good')).status, 401);
});

test('sessions of a door count against the key that opened it', async () => {
  rig = await openHttpRig({ access: ACCESS });
  const client = await TextClient.open(`ws://127.0.0.1:${rig.port}/ws?access_token=good`);
  await client.ask({ type: 'offer', sdp: 'v=0' });
  assert.equal(rig.sessions.all[0].owner.subject, 'kiosk');
  assert.equal(rig.sessions.all[0].owner.door, 'page');
});

test('a server with a route that says no scope does not start', async () => {
  const forgotten = await openHttpRig();
  await forgotten.close();
  rig = null;
  await assert.rejects(
    openHttpRig({ addRoutes: (app) => app.get('/secrets', async () => 'all of them') }),
    /These routes do not say config\.scope .*GET \/secrets/,
  );
});
