import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { AppError } from '../errors.ts';
import { fuzzBytes } from '../testing/mutations.ts';
import { packTar, unpackTar } from './tar.ts';

const FILES = new Map([
  ['avatar.json', Buffer.from('{"id": "eva"}')],
  ['idle_0.mp4', Buffer.alloc(1500, 7)],
  ['empty', Buffer.alloc(0)],
  ['full block', Buffer.alloc(512, 1)],
]);

/** An archive whose first header is changed, with a fitting checksum. */
function changed(change: (header: Buffer) => void): Uint8Array {
  const tar = gunzipSync(packTar(FILES));
  const header = tar.subarray(0, 512);
  change(header);
  header.fill(' ', 148, 156);
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return gzipSync(tar);
}

test('what was packed comes out again, and the same files give the same archive', () => {
  assert.deepEqual(unpackTar(packTar(FILES), 'eva.tar.gz'), FILES);
  assert.deepEqual(packTar(FILES), packTar(FILES));
});

test('names that lead elsewhere are refused', () => {
  for (const name of ['../evil', '/etc/passwd', 'a/b', '.hidden', 'a\\b', '']) {
    const archive = changed((header) => header.fill(0, 0, 100).write(name));
    assert.throws(() => unpackTar(archive, 'eva.tar.gz'), {
      code: 'avatar_invalid',
      message: /no plain file at the top/,
    });
    assert.throws(() => packTar(new Map([[name, Buffer.alloc(1)]])), RangeError);
  }
});

test('links and folders are refused', () => {
  for (const type of ['1', '2', '5', 'x']) {
    const archive = changed((header) => header.write(type, 156));
    assert.throws(() => unpackTar(archive, 'eva.tar.gz'), { message: /no plain file/ });
  }
});

test('archives that are cut short, damaged, or claim too much are refused with their name', () => {
  const tar = gunzipSync(packTar(FILES));
  const wrong = [
    gzipSync(tar.subarray(0, 900)),
    gzipSync(tar.subarray(0, 1024)),
    gzipSync(Buffer.from('words')),
    Buffer.from('words'),
    changed((header) => header.write('77777777777', 124)),
    changed((header) => header.write('-1', 124)),
    gzipSync(Buffer.concat([tar.subarray(0, 1024), tar])),
  ];
  for (const archive of wrong) {
    assert.throws(() => unpackTar(archive, 'eva.tar.gz'), {
      code: 'avatar_invalid',
      message: /^eva\.tar\.gz: expected/,
    });
  }
});

test('a gzip bomb is not unpacked', () => {
  const bomb = gzipSync(Buffer.alloc(300 * 2 ** 20));
  assert.throws(() => unpackTar(bomb, 'bomb.tar.gz'), { message: /more than 256 MiB/ });
});

test('other tar programs read the archive', async () => {
  const { execFileSync } = await import('node:child_process');
  const listed = execFileSync('tar', ['-tzf', '-'], { input: packTar(FILES) }).toString();
  assert.deepEqual(listed.trim().split('\n'), [...FILES.keys()]);
});

test('whatever the bytes, the answer is files or avatar_invalid', () => {
  const corpus = [gunzipSync(packTar(FILES))];
  fuzzBytes(corpus, ['ustar\0', '../', '00000000000', '77777777777'], (input) => {
    try {
      for (const name of unpackTar(gzipSync(input, { level: 1 }), 'x').keys()) assert.ok(!/^[./]|[/\\]/.test(name));
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'avatar_invalid')) throw error;
    }
  });
});
