import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type ApiRig, openApiRig } from '../../testing/api-rig.ts';

const SESSION = '0b9d1c1e-3f43-4d53-9c2c-5d7ddc2c1f6e';

let rig: ApiRig;
afterEach(() => rig.close());

async function open(): Promise<void> {
  rig = await openApiRig({
    keys: [
      { id: 'view', scope: 'view' },
      { id: 'speak', scope: 'speak' },
      { id: 'admin', scope: 'admin' },
    ],
  });
}

const makeToken = (as: string, body: object) => rig.ask('POST', '/api/tokens', { as, body });

test('a key makes tokens of its own scope and below, which expire when they say', async () => {
  await open();
  const { headers, status, body } = await makeToken('speak', {
    scope: 'view',
    session_id: SESSION,
    lifetime_s: 30,
  });
  assert.equal(status, 201);
  assert.equal(headers.get('cache-control'), 'no-store');
  const { token, ...rest } = body;
  assert.deepEqual(rest, { token_type: 'Bearer', scope: 'view', session_id: SESSION, expires_in_s: 30 });
  const claims = await rig.tokens.read(String(token));
  assert.deepEqual(claims, { subject: 'speak', scope: 'view', sessionId: SESSION });
  assert.equal((await makeToken('speak', { scope: 'speak' })).body.expires_in_s, 600);
});

test('nobody makes a token that can do more than its maker, and tokens make none', async () => {
  await open();
  assert.equal((await makeToken('speak', { scope: 'admin' })).status, 403);
  assert.equal((await makeToken('view', { scope: 'view' })).status, 403);
  const { body } = await makeToken('admin', { scope: 'admin' });
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
    assert.equal((await makeToken('speak', body)).status, 400, JSON.stringify(body));
  }
});

test('what a credential is good for is told to whoever holds it, and nothing to anybody else', async () => {
  await open();
  const ask = async (as?: string) => (await rig.ask('GET', '/api/access', { as })).body;
  assert.deepEqual(await ask(), { required: true, scope: null });
  assert.deepEqual(await ask('view'), { required: true, scope: 'view' });
  assert.deepEqual(await ask('mc_unknown'), { required: true, scope: null });
});
