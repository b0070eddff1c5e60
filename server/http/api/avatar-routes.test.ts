import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { type ApiRig, openApiRig } from '../../testing/api-rig.ts';
import { type OwnAvatarsRig, openOwnAvatars, settled } from '../../testing/own-avatars-rig.ts';

const MAX_BYTES = 5000;

let folder: string;
let avatars: OwnAvatarsRig;
let rig: ApiRig;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'own-'));
  avatars = await openOwnAvatars({ folder, maxAvatars: 2 });
  rig = await openApiRig({
    keys: [
      { id: 'root', scope: 'admin' },
      { id: 'guest', scope: 'speak' },
    ],
    avatars: { gallery: avatars.loading, ownAvatars: avatars.own, maxUploadBytes: MAX_BYTES },
  });
});
afterEach(async () => {
  await avatars.own.close();
  await rig.close();
  rmSync(folder, { recursive: true });
});

const FIELDS = { id: 'eva', name: 'Eva', consent: 'Eva herself' };

function form(
  fields: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = { 'me.png': 'a face' },
) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  for (const [name, content] of Object.entries(files)) data.append('file', new Blob([content]), name);
  return data;
}

async function send(body: FormData | string, headers: Record<string, string> = {}, as = 'root') {
  const response = await fetch(`http://127.0.0.1:${rig.port}/api/avatars`, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${rig.key(as)}`, ...headers },
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

const ask = (method: string, path: string, body?: object) =>
  rig.ask(method, `/api/avatars${path}`, { as: 'root', body });

test('a photo is taken in, prepared, listed with its consent, renamed and deleted', async () => {
  const taken = await send(form(FIELDS));
  assert.deepEqual([taken.status, taken.headers.get('location')], [202, '/api/avatars/eva']);
  const { state, name, is_own, consent } = taken.body;
  assert.deepEqual([state, name, is_own], ['waiting', 'Eva', true]);
  assert.deepEqual(consent, { by: 'Eva herself', at: '2026-01-02T03:04:05.000Z' });
  assert.equal(readFileSync(join(folder, 'eva/source/me.png'), 'utf8'), 'a face');

  await settled(() => avatars.finish.has('eva'));
  avatars.report('eva', 0.5);
  assert.equal((await ask('GET', '/eva')).body.share, 0.5);
  avatars.finish.get('eva')?.();
  await settled(() => avatars.loading.ready().length === 2);
  assert.equal((await ask('GET', '/eva')).body.portrait, '/avatars/eva/portrait');

  assert.equal((await ask('PATCH', '/eva', { name: ' Eva M. ' })).body.name, 'Eva M.');
  const list = (await ask('GET', '')).body as {
    avatars: { id: string; name: string; is_own: boolean }[];
    room: object;
  };
  assert.deepEqual(
    list.avatars.map((each) => [each.id, each.name, each.is_own]),
    [
      ['anna', 'Anna', false],
      ['eva', 'Eva M.', true],
    ],
  );
  assert.deepEqual(list.room, { places: 1, max_bytes: MAX_BYTES });

  assert.equal((await ask('DELETE', '/eva')).status, 204);
  assert.equal((await ask('GET', '/eva')).status, 404);
  assert.deepEqual(readdirSync(folder), []);
});

test('several files become one folder, under plain names', async () => {
  const taken = await send(form(FIELDS, { 'idle_0.mp4': 'calm', '../../.speaking 0.mp4': 'lively' }));
  assert.equal(taken.status, 202);
  await settled(() => avatars.begun.length === 2);
  assert.deepEqual(readdirSync(avatars.begun[1].videoFile).sort(), ['idle_0.mp4', 'speaking_0.mp4']);
});

test('an id is made from the name if none is given', async () => {
  const { id } = (await send(form({ name: 'Änne Müller', consent: 'Änne' }))).body;
  assert.match(String(id), /^Anne-Muller-[0-9a-f]{6}$/);
});

test('what is missing, wrong, double or too large is refused, and nothing of it stays', async () => {
  const double = form(FIELDS);
  double.append('name', 'Eve');
  const late = form(FIELDS);
  late.append('file', new Blob(['b']), 'me.png');
  const cases: [FormData | string, number, RegExp][] = [
    [form({ name: 'Eva', id: 'eva' }), 400, /consent is missing/],
    [form({ id: 'eva', consent: 'Eva' }), 400, /name is missing/],
    [form(FIELDS, {}), 400, /no file/],
    [form({ ...FIELDS, id: '../eva' }), 400, /id must be/],
    [form({ ...FIELDS, name: ' ' }), 400, /name must be one line of 1 to 64/],
    [form({ ...FIELDS, consent: 'x'.repeat(300) }), 400, /consent must be/],
    [form({ ...FIELDS, consent: 'x'.repeat(2000) }), 400, /consent is too long/],
    [form({ ...FIELDS, owner: 'Eva' }), 400, /fields are id, name, consent and file/],
    [double, 400, /name was sent twice/],
    [late, 400, /two files me\.png/],
    [form(FIELDS, { 'me.png': 'x'.repeat(MAX_BYTES + 1) }), 413, /at most 5000 bytes/],
    [form(FIELDS, { 'a.png': 'x'.repeat(3000), 'b.png': 'x'.repeat(3000) }), 413, /at most 5000 bytes/],
    [form(FIELDS, { 'me.png': 'x'.repeat(300_000) }), 413, /at most 5000 bytes/],
    [form({ ...FIELDS, id: 'anna' }), 409, /exists already/],
    ['{}', 415, /multipart\/form-data/],
  ];
  for (const [body, status, detail] of cases) {
    const answer = await send(body, typeof body === 'string' ? { 'content-type': 'application/json' } : {});
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.match(String(answer.body.detail), detail);
    assert.deepEqual(readdirSync(folder), []);
  }
  assert.deepEqual(
    avatars.begun.map(({ id }) => id),
    ['anna'],
  );
});

test('a sender that breaks off leaves nothing behind', async () => {
  const sending = httpRequest({
    port: rig.port,
    method: 'POST',
    path: '/api/avatars',
    headers: {
      authorization: `Bearer ${rig.key('root')}`,
      'content-type': 'multipart/form-data; boundary=x',
      'content-length': 3000,
    },
  });
  sending.on('error', () => {});
  sending.write('--x\r\ncontent-disposition: form-data; name="file"; filename="me.png"\r\n\r\nhalf a face');
  await settled(() => readdirSync(folder).length === 1);
  sending.destroy();
  await settled(() => readdirSync(folder).length === 0);
});

test('the same order with the same Idempotency-Key gets the first answer and makes no second avatar', async () => {
  const headers = { 'idempotency-key': 'order-1' };
  const { id: _id, ...unnamed } = FIELDS;
  const first = await send(form(unnamed), headers);
  const again = await send(form(unnamed), headers);
  assert.deepEqual([again.status, again.body], [202, first.body]);
  assert.equal(again.headers.get('idempotent-replayed'), 'true');
  const other = await send(form(unnamed, { 'me.png': 'another face' }), headers);
  assert.deepEqual([other.status, other.body.code], [422, 'key_reused']);
  assert.deepEqual(readdirSync(folder), [first.body.id]);
});

test('only an admin brings in, renames and deletes', async () => {
  assert.equal((await send(form(FIELDS), {}, 'guest')).status, 403);
  await avatars.add('eva');
  assert.equal((await rig.ask('DELETE', '/api/avatars/eva', { as: 'guest' })).status, 403);
  assert.equal((await rig.ask('PATCH', '/api/avatars/eva', { as: 'guest', body: { name: 'Eve' } })).status, 403);
  assert.equal((await rig.ask('GET', '/api/avatars/eva', { as: 'guest' })).status, 200);
});

test('an avatar of the configuration is neither renamed nor deleted', async () => {
  assert.equal((await ask('DELETE', '/anna')).status, 404);
  assert.equal((await ask('PATCH', '/anna', { name: 'Eve' })).status, 404);
});

test('the progress is told as events until the avatar is ready, failed or removed', async () => {
  await avatars.add('eva');
  const ready = await watch('eva');
  assert.deepEqual(await ready.next(), { event: 'progress', state: 'waiting', share: 0 });
  avatars.report('eva', 0.25);
  assert.deepEqual(await ready.next(), { event: 'progress', state: 'preparing', share: 0.25 });
  avatars.finish.get('eva')?.();
  assert.deepEqual(await ready.next(), { event: 'progress', state: 'ready', share: 1 });
  assert.equal(await ready.next(), null);

  await avatars.add('wall', 'wall');
  const failed = await watch('wall');
  await failed.next();
  avatars.finish.get('wall')?.();
  assert.equal((await failed.next())?.state, 'failed');
  assert.equal(await failed.next(), null);

  await avatars.add('gone');
  const removed = await watch('gone');
  await removed.next();
  await avatars.own.remove('gone');
  assert.equal((await removed.next())?.event, 'removed');
  assert.equal(await removed.next(), null);
});

test('no name and no bytes of a form get the server off its feet or a file out of its folder', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string(),
      fc.string(),
      fc.string(),
      fc.uint8Array({ maxLength: 100 }),
      async (id, name, file, bytes) => {
        const data = form({ ...FIELDS, id, name }, {});
        data.append('file', new Blob([new Uint8Array(bytes)]), file);
        const { status } = await send(data);
        assert.ok(status === 202 || (status >= 400 && status < 500) || status === 503, String(status));
      },
    ),
    { numRuns: 30 },
  );
  for (const name of readdirSync(folder)) assert.match(name, /^[A-Za-z0-9_-]{1,64}$/);
});

/** Reads the events of an avatar one by one; null after the last. */
async function watch(id: string) {
  const response = await fetch(`http://127.0.0.1:${rig.port}/api/avatars/${id}/progress`, {
    headers: { authorization: `Bearer ${rig.key('guest')}` },
  });
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  assert.ok(response.body);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    async next() {
      while (!text.includes('\n\n')) {
        const { value, done } = await reader.read();
        if (done) return null;
        text += value;
      }
      const [told] = text.split('\n\n', 1);
      text = text.slice(told.length + 2);
      const [, event, data] = /^event: (\w+)\ndata: (.+)$/.exec(told) ?? [];
      const { state, share } = JSON.parse(data) as { state?: string; share?: number };
      return { event, state, share };
    },
  };
}
