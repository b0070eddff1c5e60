import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { exportAvatar, importAvatar } from './avatar-archive.ts';
import { packTar } from './tar.ts';

const root = mkdtempSync(join(tmpdir(), 'archive-'));
after(() => rmSync(root, { recursive: true }));
const folderOf = (id: string) => join(root, 'imported', id);

test('an avatar comes out of its archive as it went in, without prepared data', async () => {
  const home = join(root, 'eva');
  mkdirSync(join(home, 'prepared'), { recursive: true });
  writeFileSync(join(home, 'idle_0.mp4'), 'pictures');
  writeFileSync(join(home, 'hello.wav'), 'sound');
  writeFileSync(join(home, 'prepared', 'idle_0.geometry'), 'numbers');
  const about = await importAvatar(await exportAvatar('eva', home), 'eva.tar.gz', folderOf);
  assert.deepEqual(about, { version: 1, id: 'eva', bboxShiftPx: 0, consent: null });
  assert.deepEqual(readdirSync(folderOf('eva')).sort(), ['hello.wav', 'idle_0.mp4']);
  assert.equal(readFileSync(join(folderOf('eva'), 'idle_0.mp4'), 'utf8'), 'pictures');
  await assert.rejects(importAvatar(await exportAvatar('eva', home), 'eva.tar.gz', folderOf), {
    code: 'avatar_exists',
  });
});

test('nothing to export is said', async () => {
  await assert.rejects(exportAvatar('nobody', join(root, 'nobody')), { code: 'avatar_not_found' });
});

test('an archive without a fitting avatar.json is refused and leaves nothing behind', async () => {
  const about = { version: 1, id: 'zoe', bboxShiftPx: 0, consent: null };
  const wrong = [
    { ...about, id: '../zoe' },
    { ...about, version: 2 },
    { ...about, bboxShiftPx: 1.5 },
    { ...about, consent: 1 },
    null,
    'x',
  ];
  for (const each of wrong) {
    const archive = packTar(new Map([['avatar.json', Buffer.from(JSON.stringify(each))]]));
    await assert.rejects(importAvatar(archive, 'zoe.tar.gz', folderOf), {
      code: 'avatar_invalid',
      message: /^zoe\.tar\.gz: expected/,
    });
  }
  await assert.rejects(importAvatar(packTar(new Map([['idle_0.mp4', Buffer.alloc(1)]])), 'zoe.tar.gz', folderOf), {
    message: /found none/,
  });
  assert.deepEqual(readdirSync(join(root, 'imported')), ['eva']);
});
