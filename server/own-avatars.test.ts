import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type OwnAvatarsRig, openOwnAvatars, settled } from './testing/own-avatars-rig.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'own-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const start = (options: { maxAvatars?: number; shown?: Set<string> } = {}) => openOwnAvatars({ folder, ...options });
const stateOf = ({ loading }: OwnAvatarsRig, id: string) => loading.progress().find((each) => each.id === id)?.state;

test('an avatar that was brought in becomes ready, and is there again after a restart with name and consent', async () => {
  const first = await start();
  await first.add('eva');
  first.finish.get('eva')?.();
  await settled(() => stateOf(first, 'eva') === 'ready');
  await first.own.rename('eva', 'Eva Maria');
  assert.equal(first.loading.ready()[1].name, 'Eva Maria');
  await settled(() => readFileSync(join(folder, 'eva/avatar.json'), 'utf8').includes('"isPrepared": true'));
  await first.own.close();

  const second = await start();
  await settled(() => second.finish.has('eva'));
  assert.deepEqual(second.own.find('eva')?.consent, { by: 'Eva', at: '2026-01-02T03:04:05.000Z' });
  assert.deepEqual(second.begun[1].consent, { by: 'Eva', at: '2026-01-02T03:04:05.000Z' });
  assert.equal(second.begun[1].name, 'Eva Maria');
  assert.equal(second.begun[1].videoFile, join(folder, 'eva/source/me.png'));
  second.finish.get('eva')?.();
  await settled(() => stateOf(second, 'eva') === 'ready');
  await second.own.close();
});

test('of an avatar that fails nothing stays but the reason, which names no path, and its id is free again', async () => {
  const server = await start();
  await server.add('eva', 'wall');
  server.finish.get('eva')?.();
  await settled(() => readdirSync(folder).length === 0);
  const told = server.loading.progress().find(({ id }) => id === 'eva');
  assert.deepEqual([told?.state, told?.problem], ['failed', 'no face in me.png']);
  assert.equal(server.own.find('eva'), null);
  await server.add('eva');
  await server.own.close();
});

test('one that is removed while it is prepared leaves nothing, neither on disk nor in the list', async () => {
  const server = await start();
  await server.add('eva');
  await server.own.remove('eva');
  assert.deepEqual(readdirSync(folder), []);
  assert.equal(stateOf(server, 'eva'), undefined);
  assert.equal(server.own.places, 3);
});

test('one that is removed while its files are still being put in place leaves nothing either', async () => {
  const server = await start();
  const upload = await server.own.begin();
  const adding = server.own.add({ id: 'eva', name: 'Eva', consentBy: 'Eva', folder: upload, source: 'source' });
  await Promise.all([adding, server.own.remove('eva')]);
  assert.deepEqual(readdirSync(folder), []);
  assert.equal(stateOf(server, 'eva'), undefined);
});

test('a ready one is removed with all that is kept of it; configured ones are not touched', async () => {
  const server = await start();
  await server.add('eva');
  server.finish.get('eva')?.();
  await settled(() => stateOf(server, 'eva') === 'ready');
  await server.own.remove('eva');
  assert.ok(!existsSync(join(folder, 'eva')));
  assert.deepEqual(
    server.loading.ready().map(({ id }) => id),
    ['anna'],
  );
  await assert.rejects(server.own.remove('anna'), { code: 'avatar_not_found' });
  await assert.rejects(server.own.rename('anna', 'x'), { code: 'avatar_not_found' });
});

test('a preparation that the end of the server broke off is taken up by the next start, and half an upload is cleaned', async () => {
  const first = await start();
  await first.add('eva');
  await first.own.begin();
  await first.own.close();
  assert.equal(readdirSync(folder).length, 2);
  const second = await start();
  assert.deepEqual(readdirSync(folder), ['eva']);
  await settled(() => second.finish.has('eva'));
  second.finish.get('eva')?.();
  await settled(() => stateOf(second, 'eva') === 'ready');
  await second.own.close();
});

test('ids that are taken or still shown, too many avatars and too long a queue are refused', async () => {
  const shown = new Set(['ghost']);
  const server = await start({ maxAvatars: 9, shown });
  for (const id of ['anna', 'ghost']) await assert.rejects(server.add(id), { code: 'avatar_exists' });
  for (let i = 0; i < 8; i += 1) await server.add(`eva-${i}`);
  await assert.rejects(server.add('eva-0'), { code: 'avatar_exists' });
  await assert.rejects(server.add('eva-8'), { code: 'server_full' });
  server.finish.get('eva-0')?.();
  await settled(() => stateOf(server, 'eva-0') === 'ready');
  await server.add('eva-8');
  assert.equal(server.own.places, 0);
  await assert.rejects(server.add('eva-9'), { code: 'avatar_limit', message: /media\.max_own_avatars/ });
  await server.own.close();
});
