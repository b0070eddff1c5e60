import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type ApiRig, type ApiRigOptions, openApiRig } from '../../testing/api-rig.ts';

let rig: ApiRig;
afterEach(() => rig.close());

async function open(options: ApiRigOptions = {}): Promise<void> {
  rig = await openApiRig(options);
}

async function create(options: { as?: string; headers?: Record<string, string>; body?: object } = {}) {
  return rig.ask('POST', '/api/sessions', { body: {}, ...options });
}

test('a session is created, told of, and closed', async () => {
  await open();
  const { status, headers, body } = await create({ body: { avatar_id: 'bert' } });
  assert.equal(status, 201);
  assert.equal(headers.get('location'), `/api/sessions/${body.id}`);
  const told = {
    id: body.id,
    state: 'waiting',
    door: 'rest',
    owner: 'anyone',
    avatar_id: 'bert',
    connections: 0,
    talking: false,
    mouths_per_second: null,
    clip: null,
    seconds: 0,
    delay_ms: 90,
    whip_url: `/api/sessions/${body.id}/whip`,
    whep_url: `/api/sessions/${body.id}/whep`,
  };
  assert.deepEqual(body, told);
  assert.deepEqual((await rig.ask('GET', `/api/sessions/${body.id}`)).body, told);
  assert.deepEqual((await rig.ask('GET', '/api/sessions')).body, { sessions: [told] });
  assert.equal((await rig.ask('DELETE', `/api/sessions/${body.id}`)).status, 204);
  assert.equal(rig.registry.size, 0);
  assert.equal((await rig.ask('DELETE', `/api/sessions/${body.id}`)).status, 404);
});

test('a clip is spoken, interrupted, and the avatar changed', async () => {
  await open();
  const { id } = (await create()).body;
  assert.equal((await rig.ask('POST', `/api/sessions/${id}/clip`, { body: { clip: 'hello' } })).body.clip, 'hello');
  assert.equal((await rig.ask('POST', `/api/sessions/${id}/interrupt`)).body.clip, null);
  const switched = await rig.ask('PUT', `/api/sessions/${id}/avatar`, { body: { avatar_id: 'bert' } });
  assert.equal(switched.body.avatar_id, 'bert');
  const unknown = await rig.ask('POST', `/api/sessions/${id}/clip`, { body: { clip: '../../etc/passwd' } });
  assert.deepEqual([unknown.status, unknown.body.code], [404, 'clip_not_found']);
  const nobody = await rig.ask('PUT', `/api/sessions/${id}/avatar`, { body: { avatar_id: 'carl' } });
  assert.deepEqual([nobody.status, nobody.body.code], [404, 'avatar_not_found']);
});

test('the same idempotency key gets the first answer again and creates nothing', async () => {
  await open();
  const headers = { 'idempotency-key': 'order-1' };
  const first = await create({ headers });
  const again = await create({ headers });
  assert.deepEqual(again.body, first.body);
  assert.deepEqual(
    [first.headers.get('idempotent-replayed'), again.headers.get('idempotent-replayed')],
    [null, 'true'],
  );
  assert.equal(again.headers.get('location'), first.headers.get('location'));
  assert.equal(rig.registry.size, 1);
  const other = await create({ headers, body: { avatar_id: 'bert' } });
  assert.deepEqual([other.status, other.body.code], [422, 'key_reused']);
  assert.equal((await create({ headers: { 'idempotency-key': 'order-2' } })).status, 201);
  assert.equal(rig.registry.size, 2);
});

test('the idempotency keys of two clients do not meet, and a failure is not remembered', async () => {
  await open({
    capacity: 1,
    keys: [
      { id: 'one', scope: 'speak' },
      { id: 'two', scope: 'speak' },
    ],
  });
  const headers = { 'idempotency-key': 'order' };
  const first = await create({ as: 'one', headers });
  const refused = await create({ as: 'two', headers });
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '10']);
  await rig.registry.get(String(first.body.id)).close('test');
  const second = await create({ as: 'two', headers });
  assert.equal(second.status, 201);
  assert.notEqual(second.body.id, first.body.id);
});

test('a key sees, steers and ends its own sessions only; an admin all; a bound token one', async () => {
  await open({
    keys: [
      { id: 'one', scope: 'speak', maxSessions: 2 },
      { id: 'two', scope: 'speak' },
      { id: 'root', scope: 'admin' },
    ],
  });
  const { id } = (await create({ as: 'one' })).body;
  const { id: otherId } = (await create({ as: 'one' })).body;
  const listed = async (as: string) => {
    const { sessions } = (await rig.ask('GET', '/api/sessions', { as })).body as { sessions: { id: string }[] };
    return sessions.map((each) => each.id);
  };
  assert.deepEqual(
    [await listed('one'), await listed('two'), await listed('root')],
    [[id, otherId], [], [id, otherId]],
  );
  for (const [method, path, body] of [
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/interrupt'],
    ['POST', '/clip', { clip: 'hello' }],
    ['PUT', '/avatar', { avatar_id: 'bert' }],
  ] as const) {
    assert.equal((await rig.ask(method, `/api/sessions/${id}${path}`, { as: 'two', body })).status, 404, method + path);
  }
  const bound = { scope: 'speak', session_id: id };
  const token = String((await rig.ask('POST', '/api/tokens', { as: 'one', body: bound })).body.token);
  assert.deepEqual(await listed(token), [id]);
  assert.equal((await rig.ask('GET', `/api/sessions/${otherId}`, { as: token })).status, 404);
  assert.equal((await create({ as: token })).status, 403);
  const tooMany = await create({ as: 'one' });
  assert.deepEqual([tooMany.status, tooMany.body.code], [429, 'session_limit']);
  assert.equal((await rig.ask('DELETE', `/api/sessions/${id}`, { as: 'root' })).status, 204);
});

test('orders are taken as they are written or not at all', async () => {
  await open();
  const { id } = (await create()).body;
  for (const [method, path, body] of [
    ['POST', '/api/sessions', { avatar: 'anna' }],
    ['POST', '/api/sessions', { avatar_id: 7 }],
    ['POST', '/api/sessions', { avatar_id: '' }],
    ['POST', '/api/sessions', []],
    ['POST', `/api/sessions/${id}/clip`, {}],
    ['POST', `/api/sessions/${id}/clip`, { clip: null }],
    ['PUT', `/api/sessions/${id}/avatar`, { avatar_id: ['bert'] }],
    ['GET', '/api/sessions/..%2f..%2fetc%2fpasswd', undefined],
    ['DELETE', '/api/sessions/%00', undefined],
  ] as const) {
    const answer = await rig.ask(method, path, { body });
    assert.deepEqual([answer.status, answer.body.code], [400, 'bad_message'], `${method} ${path}`);
  }
  assert.equal(rig.registry.size, 1);
  const text = await rig.ask('POST', '/api/sessions', { body: 'avatar_id=anna', type: 'text/plain' });
  assert.equal(text.status, 415);
});

test('avatars, engines and figures are told', async () => {
  await open();
  rig.gallery.set('bert', 'preparing', 0.4);
  const { avatars } = (await rig.ask('GET', '/api/avatars')).body as { avatars: object[] };
  assert.deepEqual(avatars, [
    {
      id: 'anna',
      name: 'anna',
      state: 'ready',
      share: 1,
      problem: null,
      audio_clips: ['hello'],
      portrait: '/avatars/anna/portrait',
      is_own: false,
    },
    {
      id: 'bert',
      name: 'bert',
      state: 'preparing',
      share: 0.4,
      problem: null,
      audio_clips: [],
      portrait: null,
      is_own: false,
    },
  ]);
  assert.deepEqual((await rig.ask('GET', '/api/engines')).body, {
    engines: [
      { id: 'static', state: 'available' },
      { id: 'embedded', state: 'running' },
    ],
  });
  assert.ok('counters' in (await rig.ask('GET', '/api/figures')).body);
});
