import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { AppError } from '../../errors.ts';
import { silentLog } from '../../log.ts';
import { type HttpRig, openHttpRig } from '../../testing/http-rig.ts';
import { underApi } from './api-scope.ts';

let rig: HttpRig | null = null;
afterEach(() => rig?.close());

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  rig = await openHttpRig({
    addRoutes: (app) =>
      underApi(app, silentLog(), (api) => {
        api.get('/full', { config: { scope: 'public' } }, async () => {
          throw new AppError('server_full', 'All 3 places are taken.');
        });
        api.get('/defect', { config: { scope: 'public' } }, async () => {
          throw new TypeError('the secret of the inside');
        });
        api.post('/strict', { config: { scope: 'public' }, schema: { body: STRICT } }, async () => ({}));
      }),
  });
  return fetch(`http://127.0.0.1:${rig.port}${path}`, init);
}

const STRICT = { type: 'object', additionalProperties: false, properties: { count: { type: 'number' } } };

test('a refusal is a problem of RFC 9457 with its true status, and says when to come back', async () => {
  const response = await ask('/api/full?access_token=secret');
  assert.equal(response.headers.get('content-type'), 'application/problem+json; charset=utf-8');
  assert.equal(response.headers.get('retry-after'), '10');
  assert.deepEqual(
    [response.status, await response.json()],
    [
      503,
      {
        type: 'about:blank',
        title: 'Service Unavailable',
        status: 503,
        detail: 'All 3 places are taken.',
        code: 'server_full',
        instance: '/api/full',
      },
    ],
  );
});

test('a defect is told without its inside', async () => {
  const response = await ask('/api/defect');
  const text = await response.text();
  assert.equal(response.status, 500);
  assert.doesNotMatch(text, /secret/);
});

test('an unknown path under /api is a problem as well', async () => {
  const response = await ask('/api/nowhere');
  assert.equal(response.status, 404);
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/);
});

test('a text in place of a number, and an unknown field, are refused and not mended', async () => {
  const send = (body: string) =>
    ask('/api/strict', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  for (const [body, detail] of [
    ['{"count":"1"}', /body\/count must be number/],
    ['{"count":1,"extra":1}', /additional properties/],
    ['{"count":1', /JSON/],
  ] as const) {
    const response = await send(body);
    const { code, detail: told } = (await response.json()) as { code: string; detail: string };
    assert.deepEqual([response.status, code], [400, 'bad_message'], body);
    assert.match(told, detail);
    await rig?.close();
  }
  const good = await send('{"count":1}');
  assert.equal(good.status, 200);
});
