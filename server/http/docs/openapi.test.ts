import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { type ApiAnswer, type ApiRig, type AskOptions, openApiRig } from '../../testing/api-rig.ts';
import type { App } from '../app.ts';

interface Media {
  readonly schema: object;
}
interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly object[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>;
}
interface Document {
  readonly openapi: string;
  readonly tags: readonly { name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const ID = '0b9d1c1e-3f43-4d53-9c2c-5d7ddc2c1f6e';
const ajv = new Ajv2020({ strict: false, formats: { uuid: /^[0-9a-f-]{36}$/ } });

let rig: ApiRig;
let routes: string[];
let document: Document;
before(async () => {
  routes = [];
  rig = await openApiRig({
    keys: [{ id: 'root', scope: 'admin' }],
    onApp: (app: App) => {
      app.addHook('onRoute', (route) => {
        for (const method of [route.method].flat()) {
          if (!route.schema?.hide && !('websocket' in route)) routes.push(`${method} ${route.url}`);
        }
      });
    },
  });
  document = (await rig.ask('GET', '/openapi.json')).body as unknown as Document;
});
after(() => rig.close());

function operations(): { method: string; path: string; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

const filled = (path: string) => path.replace(/\{\w+\}/g, ID);

test('the document has every route and no other, except pages, WebSockets and what is kept for later', () => {
  const told = operations().map(({ method, path }) => `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`);
  const served = routes.filter((route) => !/^(HEAD|OPTIONS) |\/docs|^GET \/\*/.test(route));
  assert.deepEqual(told.sort(), served.sort());
  assert.ok(told.length >= 18);
});

test('every operation has a name of its own, words, a known tag, and schemas that compile', () => {
  assert.equal(document.openapi, '3.1.0');
  const names = operations().map(({ operation }) => operation.operationId);
  assert.equal(new Set(names).size, names.length);
  const tags = new Set(document.tags.map(({ name }) => name));
  for (const { method, path, operation } of operations()) {
    assert.ok(operation.operationId && operation.summary, `${method} ${path}`);
    assert.ok(
      operation.tags?.every((tag) => tags.has(tag)),
      `${method} ${path}`,
    );
    for (const { content = {} } of [operation.requestBody ?? {}, ...Object.values(operation.responses)]) {
      for (const { schema } of Object.values(content)) ajv.compile(schema);
    }
  }
});

test('an operation asks for a key exactly where the document says so', async () => {
  for (const { method, path, operation } of operations()) {
    const { status } = await rig.ask(method, filled(path), method === 'GET' ? {} : { body: {} });
    assert.equal(status === 401, operation.security?.length !== 0, `${method} ${path} ${status}`);
  }
});

test('fields and parameters that the document does not know are refused everywhere', async () => {
  for (const { method, path, operation } of operations()) {
    if (!path.startsWith('/api/')) continue;
    const isJson = operation.requestBody?.content['application/json'] !== undefined;
    const withBody: AskOptions = operation.requestBody ? { body: isJson ? {} : 'v=0', type: typeOf(operation) } : {};
    const byQuery = await rig.ask(method, `${filled(path)}?unheard_of=1`, { as: 'root', ...withBody });
    assert.equal(byQuery.status, 400, `${method} ${path}: ${byQuery.text}`);
    if (!isJson) continue;
    const byBody = await rig.ask(method, filled(path), { as: 'root', body: { unheard_of: 1 } });
    assert.equal(byBody.status, 400, `${method} ${path}: ${byBody.text}`);
  }
});

test('what is answered is what the document says, refusals included', async () => {
  const ask = async (method: string, path: string, template: string, options: AskOptions = {}): Promise<ApiAnswer> => {
    const answer = await rig.ask(method, path, { as: 'root', ...options });
    const operation = document.paths[template]?.[method.toLowerCase()];
    assert.ok(operation, `${method} ${template} is not described`);
    const response = operation.responses[String(answer.status)];
    assert.ok(response, `${method} ${template}: ${answer.status} is not described`);
    const [type] = (answer.headers.get('content-type') ?? '').split(';');
    if (!response.content || answer.text === '') return answer;
    const media = response.content[type ?? ''];
    assert.ok(media, `${method} ${template} ${answer.status}: ${type} is not described`);
    if (/json/.test(type ?? '')) assert.ok(ajv.validate(media.schema, answer.body), ajv.errorsText());
    return answer;
  };
  const { id } = (await ask('POST', '/api/sessions', '/api/sessions', { body: {} })).body;
  const session = '/api/sessions/{id}';
  await ask('GET', '/api/sessions', '/api/sessions');
  await ask('GET', `/api/sessions/${id}`, session);
  await ask('GET', `/api/sessions/${ID}`, session);
  await ask('POST', `/api/sessions/${id}/clip`, `${session}/clip`, { body: { clip: 'hello' } });
  await ask('POST', `/api/sessions/${id}/clip`, `${session}/clip`, { body: { clip: 'none' } });
  await ask('POST', `/api/sessions/${id}/interrupt`, `${session}/interrupt`);
  await ask('PUT', `/api/sessions/${id}/avatar`, `${session}/avatar`, { body: { avatar_id: 'bert' } });
  await ask('POST', `/api/sessions/${id}/whep`, `${session}/whep`, { body: 'nonsense' });
  await ask('POST', `/api/sessions/${id}/whip`, `${session}/whip`, { body: '{}', type: 'application/json' });
  await ask('POST', '/api/whip', '/api/whip', { body: 'nonsense' });
  await ask('PATCH', `/api/sessions/${id}/connections/${ID}`, `${session}/connections/{connection}`, {
    body: 'a=ice-ufrag:aaaa',
    type: 'application/trickle-ice-sdpfrag',
  });
  await ask('DELETE', `/api/sessions/${id}/connections/${ID}`, `${session}/connections/{connection}`);
  await ask('POST', '/api/tokens', '/api/tokens', { body: { scope: 'view' } });
  await ask('POST', '/api/tokens', '/api/tokens', { body: { scope: 'view' }, as: 'nobody' });
  const avatar = '/api/avatars/{id}';
  for (const avatarId of ['anna', 'nobody']) {
    await ask('GET', `/api/avatars/${avatarId}`, avatar);
    await ask('GET', `/api/avatars/${avatarId}/progress`, `${avatar}/progress`);
    await ask('PATCH', `/api/avatars/${avatarId}`, avatar, { body: { name: 'Anna' } });
    await ask('DELETE', `/api/avatars/${avatarId}`, avatar);
  }
  await ask('POST', '/api/avatars', '/api/avatars', { body: {} });
  for (const path of ['/api/access', '/api/avatars', '/api/engines', '/api/figures', '/health', '/ready']) {
    await ask('GET', path, path);
  }
  assert.equal((await ask('DELETE', `/api/sessions/${id}`, session)).status, 204);
});

test('the same document is served as YAML', async () => {
  const { headers, text } = await rig.ask('GET', '/openapi.yaml');
  assert.match(headers.get('content-type') ?? '', /^application\/yaml/);
  assert.deepEqual(parse(text), document);
});

test('a server with a route that says nothing of itself does not start', async () => {
  const silent = openApiRig({
    addRoutes: (app) => app.get('/secret', { config: { scope: 'public' } }, async () => ({})),
  });
  await assert.rejects(silent, /do not say schema\.summary .*GET \/secret/);
});

function typeOf({ requestBody }: Operation): string | undefined {
  return Object.keys(requestBody?.content ?? {})[0];
}
