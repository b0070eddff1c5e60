import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../errors.ts';
import { fuzz } from '../testing/fuzz.ts';
import { wavBytes } from '../testing/wav-bytes.ts';
import { loadWav } from './wav-file.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wav-fuzz-'));
});
after(() => rm(folder, { recursive: true }));

const GOOD = wavBytes(Float32Array.from({ length: 200 }, (_, n) => Math.sin(n)));
/** Where a change hurts: sizes and numbers of the header, with values at the edges of their types. */
const change = fc.tuple(
  fc.integer({ min: 0, max: 47 }),
  fc.oneof(fc.constantFrom(0, 1, 127, 128, 254, 255), fc.integer({ min: 0, max: 255 })),
);
const changed = fc
  .tuple(fc.array(change, { maxLength: 12 }), fc.integer({ min: 0, max: GOOD.length }), fc.boolean())
  .map(([changes, length, isCut]) => {
    const bytes = Buffer.from(GOOD);
    for (const [at, value] of changes) bytes[at] = value;
    return isCut ? bytes.subarray(0, length) : bytes;
  });
const chunks = fc
  .array(
    fc.tuple(
      fc.constantFrom('fmt ', 'data', 'LIST', 'junk'),
      fc.nat({ max: 0xffff_ffff }),
      fc.uint8Array({ maxLength: 48 }),
    ),
    {
      maxLength: 6,
    },
  )
  .map((parts) => {
    const made = parts.map(([name, size, content]) => {
      const head = Buffer.alloc(8);
      head.write(name, 'latin1');
      head.writeUInt32LE(size, 4);
      return Buffer.concat([head, content]);
    });
    return Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVE', 'latin1'), ...made]);
  });

test('any file is either finite sound of bounded length, or refused as unreadable', async () => {
  const path = join(folder, 'any.wav');
  await fc.assert(
    fc.asyncProperty(fc.oneof(changed, chunks, fc.uint8Array({ maxLength: 300 })), async (bytes) => {
      await writeFile(path, bytes);
      try {
        const sound = await loadWav(path);
        assert.ok(sound.length <= 48_000 * 600);
        assert.ok(sound.every((sample) => Number.isFinite(sample)));
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        assert.equal(error.code, 'media_unreadable');
      }
    }),
    fuzz(),
  );
});
