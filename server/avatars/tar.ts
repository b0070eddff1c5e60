import { gunzipSync, gzipSync } from 'node:zlib';
import { AppError } from '../errors.ts';

const BLOCK = 512;
/** Most that an archive may hold. */
const MAX_BYTES = 256 * 2 ** 20;
const MAX_FILES = 1000;
/** No folders, nothing hidden, nothing that means something to a shell or a file system. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_. -]{0,98}$/;
/** Places in a header (POSIX.1-1988 ustar). */
const FIELD = {
  NAME: [0, 100],
  MODE: [100, 8],
  OWNER: [108, 8],
  GROUP: [116, 8],
  SIZE: [124, 12],
  TIME: [136, 12],
  CHECKSUM: [148, 8],
  TYPE: [156, 1],
  MAGIC: [257, 8],
} as const;

/** @param files Contents by name: letters, digits, `_ . -` and spaces, no folders. @returns A gzipped tar, always the same for the same files. */
export function packTar(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, bytes] of files) {
    if (!NAME.test(name)) throw new RangeError(`${name} is no name for a file in an archive`);
    parts.push(headerOf(name, bytes.length), bytes, Buffer.alloc(padding(bytes.length)));
  }
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]));
}

/**
 * @param source Named in messages.
 * @returns Contents by name.
 * @throws {AppError} `avatar_invalid` if it is no gzipped tar of plain files without folders, or holds too much.
 */
export function unpackTar(packed: Uint8Array, source: string): Map<string, Uint8Array> {
  const tar = unzip(packed, source);
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return files;
    const { name, sizeBytes } = readHeader(header, source);
    const end = at + BLOCK + sizeBytes;
    if (end > tar.length) throw invalid(source, `${name} is cut short`);
    if (files.has(name)) throw invalid(source, `${name} is there twice`);
    if (files.size === MAX_FILES) throw invalid(source, `more than ${MAX_FILES} files`);
    files.set(name, tar.subarray(at + BLOCK, end));
    at = end + padding(sizeBytes);
  }
  throw invalid(source, 'an archive that is cut short');
}

function unzip(packed: Uint8Array, source: string): Buffer {
  try {
    return gunzipSync(packed, { maxOutputLength: MAX_BYTES });
  } catch (error) {
    const isLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw invalid(source, isLarge ? `more than ${MAX_BYTES / 2 ** 20} MiB` : 'no gzipped data, or damaged', error);
  }
}

function readHeader(header: Buffer, source: string): { name: string; sizeBytes: number } {
  if (!text(header, FIELD.MAGIC).startsWith('ustar')) throw invalid(source, 'no tar archive');
  if (Number.parseInt(text(header, FIELD.CHECKSUM), 8) !== checksumOf(header)) {
    throw invalid(source, 'a damaged header');
  }
  const name = text(header, FIELD.NAME);
  const isPlain = ['', '0'].includes(text(header, FIELD.TYPE));
  if (!isPlain || !NAME.test(name)) throw invalid(source, `${JSON.stringify(name)}, which is no plain file at the top`);
  const octal = text(header, FIELD.SIZE);
  if (!/^[0-7]{1,11} ?$/.test(octal)) throw invalid(source, `${name} without a size`);
  return { name, sizeBytes: Number.parseInt(octal, 8) };
}

function headerOf(name: string, sizeBytes: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const write = ([at]: readonly [number, number], value: string) => header.write(value, at, 'latin1');
  write(FIELD.NAME, name);
  write(FIELD.MODE, '0000644');
  write(FIELD.OWNER, '0000000');
  write(FIELD.GROUP, '0000000');
  write(FIELD.SIZE, sizeBytes.toString(8).padStart(11, '0'));
  write(FIELD.TIME, '00000000000');
  write(FIELD.TYPE, '0');
  write(FIELD.MAGIC, 'ustar\x0000');
  write(FIELD.CHECKSUM, `${checksumOf(header).toString(8).padStart(6, '0')}\0 `);
  return header;
}

/** The sum of all bytes, those of the sum itself taken as spaces. */
function checksumOf(header: Buffer): number {
  const [at, length] = FIELD.CHECKSUM;
  return header.reduce((sum, byte, i) => sum + (i >= at && i < at + length ? 0x20 : byte), 0);
}

function text(header: Buffer, [at, length]: readonly [number, number]): string {
  return header.toString('latin1', at, at + length).replace(/\0.*$/s, '');
}

function padding(sizeBytes: number): number {
  return (BLOCK - (sizeBytes % BLOCK)) % BLOCK;
}

function invalid(source: string, found: string, cause?: unknown): AppError {
  return new AppError(
    'avatar_invalid',
    `${source}: expected the export of an avatar, found ${found}. Export it again.`,
    {
      cause,
    },
  );
}
