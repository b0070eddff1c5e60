import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Door } from './door.js';

const URL_OF_SOCKET = new URL('ws://here/ws');

/** A server that knows two keys and a token, and a person who types `answers`. */
function make({ required = true, kept = null, answers = [] } = {}) {
  const scopes = { mc_good: 'speak', mc_view: 'view', token: 'speak' };
  const log = { asked: [], requests: [], kept };
  const door = new Door({
    async fetch(path, { headers = {}, body } = {}) {
      const credential = headers.authorization?.replace('Bearer ', '');
      log.requests.push(path);
      if (path === '/api/access') return Response.json({ required, scope: scopes[credential] ?? null });
      if (path === '/api/tokens')
        return Response.json({ token: `ticket for ${credential}, ${JSON.parse(body).lifetime_s} s` }, { status: 201 });
      return new Response('', { status: 404 });
    },
    store: {
      get: () => log.kept,
      set(credential) {
        log.kept = credential;
      },
    },
    async ask(problem) {
      log.asked.push(problem);
      return answers.shift();
    },
  });
  return { door, log };
}

test('where no key is needed nobody is asked and the address stays as it is', async () => {
  const { door, log } = make({ required: false });
  assert.equal((await door.open(URL_OF_SOCKET)).href, 'ws://here/ws');
  assert.deepEqual(log.asked, []);
});

test('a key is asked for, kept, and exchanged for a short-lived ticket: the address never holds it', async () => {
  const { door, log } = make({ answers: ['mc_good'] });
  const { href, searchParams } = await door.open(URL_OF_SOCKET);
  assert.equal(searchParams.get('access_token'), 'ticket for mc_good, 30 s');
  assert.ok(href.startsWith('ws://here/ws?'));
  assert.deepEqual([log.asked, log.kept], [[''], 'mc_good']);
});

test('a wrong key, and one that only looks on, are told and asked for again', async () => {
  const { door, log } = make({ answers: ['mc_wrong', 'mc_view', 'mc_good'] });
  await door.open(URL_OF_SOCKET);
  assert.equal(log.asked.length, 3);
  assert.match(log.asked[1], /not good here/);
  assert.match(log.asked[2], /only lets you look on/);
});

test('a token of an invitation goes into the address as it is', async () => {
  const { door, log } = make({ kept: 'token' });
  assert.equal((await door.open(URL_OF_SOCKET)).searchParams.get('access_token'), 'token');
  assert.deepEqual(log.requests, ['/api/access']);
});

test('two sockets that wait for a key ask once', async () => {
  const { door, log } = make({ answers: ['mc_good'] });
  await Promise.all([door.open(URL_OF_SOCKET), door.open(URL_OF_SOCKET)]);
  assert.equal(log.asked.length, 1);
});

test('what may be done here is told by the key, and requests carry it', async () => {
  const sent = [];
  const door = new Door({
    async fetch(path, { headers }) {
      sent.push([path, headers]);
      return Response.json({ required: true, scope: 'admin' });
    },
    store: { get: () => 'mc_good', set() {} },
    ask: async () => '',
  });
  assert.equal(await door.scope(), 'admin');
  await door.fetch('/api/avatars', { headers: { accept: 'x' } });
  assert.deepEqual(sent[1], ['/api/avatars', { accept: 'x', authorization: 'Bearer mc_good' }]);
  assert.equal(await make({ required: false }).door.scope(), 'admin');
  assert.equal(await make({ kept: 'mc_view' }).door.scope(), 'view');
});
