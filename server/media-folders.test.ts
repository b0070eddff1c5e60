import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { AppError } from './errors.ts';
import { MediaFolders } from './media-folders.ts';
import { fuzz } from './testing/fuzz.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'media-')));
const media = join(root, 'media');
const folders = new MediaFolders([media, join(root, 'more')]);

before(() => {
  for (const folder of ['media/sam', 'media/media', 'media/linked-inside', 'more', 'secret']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const file of [
    'media/sam/hello.wav',
    'media/media/odd.wav',
    'media/.hidden.wav',
    'more/extra.wav',
    'secret/key.wav',
  ]) {
    writeFileSync(join(root, file), 'x');
  }
  symlinkSync(join(root, 'secret'), join(media, 'way-out'));
  symlinkSync(join(root, 'secret/key.wav'), join(media, 'sam/key.wav'));
  symlinkSync(join(media, 'sam/hello.wav'), join(media, 'linked-inside/hello.wav'));
});
after(() => rmSync(root, { recursive: true }));

test('a path starts at a media folder or at its name', async () => {
  assert.equal(await folders.find('sam/hello.wav', 'file'), join(media, 'sam/hello.wav'));
  assert.equal(await folders.find('media/sam/hello.wav', 'file'), join(media, 'sam/hello.wav'));
  assert.equal(await folders.find('media/odd.wav', 'file'), join(media, 'media/odd.wav'));
  assert.equal(await folders.find('extra.wav', 'file'), join(root, 'more/extra.wav'));
  assert.equal(await folders.find('media', 'file or folder'), join(media, 'media'));
});

test('a media folder that is a link itself is fine: the operator made it', async () => {
  symlinkSync(media, join(root, 'link-to-media'));
  const linked = new MediaFolders([join(root, 'link-to-media')]);
  assert.equal(await linked.find('sam/hello.wav', 'file'), join(media, 'sam/hello.wav'));
});

test('what is no plain relative path is refused', async () => {
  for (const path of [
    '',
    '/',
    '..',
    '../secret/key.wav',
    'sam/../../secret/key.wav',
    'sam/./hello.wav',
    'sam//hello.wav',
    'sam/hello.wav/',
    join(root, 'secret/key.wav'),
    '//server/share/key.wav',
    'C:/secret/key.wav',
    'C:\\secret\\key.wav',
    '..\\secret\\key.wav',
    'file:///etc/passwd',
    'http://example.org/a.wav',
    'sam/hello.wav\u0000.png',
    'sam/hello.wav\nX-Header: 1',
    '.hidden.wav',
    '~/key.wav/../..',
    'a/'.repeat(40).concat('b'),
    'x'.repeat(5000),
  ]) {
    await assert.rejects(folders.find(path, 'file'), { code: 'bad_message' }, path);
  }
});

test('links, encoded paths, folders where a file is wanted and what is not there are not found', async () => {
  for (const path of [
    'way-out/key.wav',
    'sam/key.wav',
    'linked-inside/hello.wav',
    '%2e%2e/secret/key.wav',
    '%2e%2e%2fsecret%2fkey.wav',
    '..%2fsecret/key.wav'.slice(2),
    'sam',
    'media',
    'nothing.wav',
    'SAM/hello.wav',
  ]) {
    await assert.rejects(folders.find(path, 'file'), { code: 'media_not_found' }, path);
  }
});

test('a folder with a link in it is not found, because its files would be read', async () => {
  await assert.rejects(folders.find('sam', 'file or folder'), { code: 'media_not_found' });
});

test('no path at all leads out of the media folders', async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '..',
      '.',
      '',
      'media',
      'more',
      'secret',
      'key.wav',
      'sam',
      'hello.wav',
      'way-out',
      '%2e%2e',
      '...',
      '~',
      root,
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
  );
  const path = fc
    .tuple(fc.array(piece, { maxLength: 6 }), fc.constantFrom('/', '\\', '//', '%2f'))
    .map(([all, by]) => all.join(by));
  await fc.assert(
    fc.asyncProperty(path, fc.constantFrom('file' as const, 'file or folder' as const), async (given, wanted) => {
      try {
        const found = await folders.find(given, wanted);
        assert.ok(found.startsWith(`${media}/`) || found.startsWith(`${root}/more/`), found);
        assert.equal(realpathSync(found), found);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        assert.ok(['bad_message', 'media_not_found'].includes(error.code), error.code);
        assert.ok(!error.message.includes(root) || given.includes(root), error.message);
      }
    }),
    fuzz(),
  );
});
