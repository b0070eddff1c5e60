import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { silentLog } from '../../log.ts';
import { type HttpRig, openHttpRig } from '../../testing/http-rig.ts';
import { hashOfKey, type KeyEntry, makeApiKey } from '../access/api-key.ts';
import { KeyAccess } from '../access/key-access.ts';
import { SessionTokens } from '../access/session-tokens.ts';
import { serveApi } from './api.ts';

const KEYS = { view: makeApiKey(), speak: makeApiKey(), admin: makeApiKey() };
const SESSION = '0b9d1c1e-3f43-4d53-9c2c-5d7ddc2c1f6e';

let rig: HttpRig;
afterEach(() => rig.close());

async function open(): Promise<KeyAccess> {
  const tokens = new SessionTokens(new Uint8Array(32));
  const entries = Object.entries(KEYS).map(
    ([id, key]): KeyEntry => ({
      id,
      sha256: hashOfKey(key),
      scope: id as KeyEntry['scope'],
      maxSessions: null,
      maxRequestsPerSecond: null,
    }),
  );
  const access = new KeyAccess(entries, tokens);
  rig = await openHttpRig({
    access,
    addRoutes: (app) => serveApi(app, { access, tokens, tokenLifetimeMaxS: 600, log: silentLog() }),
  });
  return access;
}

async function makeToken(credential: string, body: object) {
  const response = await fetch(`http://127.0.0.1:${rig.port}/api/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${credential}` },
    body: JSON.stringify(body),
  });
  return { response, status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('a key makes tokens of its own scope and below, which expire when they say', async () => {
  const access = await open();
  const { response, status, body } = await makeToken(KEYS.speak, {
    scope: 'view',
    session_id: SESSION,
    lifetime_s: 30,
  });
  assert.equal(status, 201);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const { token, ...rest } = body;
  assert.deepEqual(rest, { token_type: 'Bearer', scope: 'view', session_id: SESSION, expires_in_s: 30 });
  const grant = await access.admit(String(token), 'view');
  assert.deepEqual([grant.subject, grant.sessionId], ['speak', SESSION]);
  assert.equal((await makeToken(KEYS.speak, { scope: 'speak' })).body.expires_in_s, 600);
});

test('nobody makes a token that can do more than its maker, and tokens make none', async () => {
  await open();
  assert.equal((await makeToken(KEYS.speak, { scope: 'admin' })).status, 403);
  assert.equal((await makeToken(KEYS.view, { scope: 'view' })).status, 403);
  const { body } = await makeToken(KEYS.admin, { scope: 'admin' });
  const { status, body: refusal } = await makeToken(String(body.token), { scope: 'view' });
  assert.equal(status, 403);
  assert.match(String(refusal.detail), /makes no further tokens/);
});

test('an order for a token is taken as it is written or not at all', async () => {
  await open();
  for (const body of [
    {},
    { scope: 'root' },
    { scope: 'view', lifetime_s: '30' },
    { scope: 'view', lifetime_s: 601 },
    { scope: 'view', lifetime_s: 0.5 },
    { scope: 'view', session_id: '../other' },
    { scope: 'view', extra: true },
  ]) {
    assert.equal((await makeToken(KEYS.speak, body)).status, 400, JSON.stringify(body));
  }
});

test('what a credential is good for is told to whoever holds it, and nothing to anybody else', async () => {
  await open();
  const ask = async (headers: Record<string, string>) => (await rig.get('/api/access', headers)).json();
  assert.deepEqual(await ask({}), { required: true, scope: null });
  assert.deepEqual(await ask({ authorization: `Bearer ${KEYS.view}` }), { required: true, scope: 'view' });
  assert.deepEqual(await ask({ authorization: `Bearer ${makeApiKey()}` }), { required: true, scope: null });
});
