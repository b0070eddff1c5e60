import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';

/** Files of one avatar: its clips, or the pictures of a short film. */
export const MAX_FILES = 300;
/** What the files of an avatar lie in, below the folder that they are sent to. */
const SOURCE = 'source';
const MAX_FIELD_BYTES = 1024;
const MAX_FILE_NAME = 64;
/** Room for the fields and the lines between the parts. */
const OVERHEAD_BYTES = 200_000;

const ID = /^[A-Za-z0-9_-]{1,64}$/;
const FIELDS = ['id', 'name', 'consent'] as const;
type Field = (typeof FIELDS)[number];

/** A face as it was sent, its files on disk. */
export interface AvatarUpload {
  /** Null if none was asked for. */
  readonly id: string | null;
  readonly name: string;
  /** Who says that the person shown agrees, in their own words. */
  readonly consent: string;
  /** One file, or the folder of several; relative to the folder that was given. */
  readonly source: string;
  /** SHA-256 over names and bytes of the files, in hex. */
  readonly checksum: string;
}

/**
 * Writes the files of a multipart request into `<folder>/source/`. They are never in memory whole, and what they are is not looked
 * at here. Whatever fails, the folder is the caller's to remove.
 *
 * @param folder Absolute, empty.
 * @param maxBytes All files together.
 * @param check Called as soon as the id is known. @throws {AppError} if there may be no such avatar.
 * @throws {AppError} `bad_message` for fields that are wrong, missing or double; `message_too_large`; `unsupported_media`.
 */
export async function takeAvatarUpload(
  request: FastifyRequest,
  folder: string,
  maxBytes: number,
  check: (id: string) => void,
): Promise<AvatarUpload> {
  if (!request.isMultipart()) {
    throw new AppError(
      'unsupported_media',
      'A face is sent as multipart/form-data with the fields name, consent and file.',
    );
  }
  if (Number(request.headers['content-length'] ?? 0) > maxBytes + OVERHEAD_BYTES) throw tooLarge(maxBytes);
  const fields = new Map<Field, string>();
  const files = new Files(join(folder, SOURCE), maxBytes);
  try {
    const limits = {
      fileSize: maxBytes + 1,
      files: MAX_FILES,
      // One more, so that a field that is not known is told by its name.
      fields: FIELDS.length + 1,
      fieldSize: MAX_FIELD_BYTES,
      parts: MAX_FILES + FIELDS.length + 1,
      headerPairs: 100,
    };
    for await (const part of request.parts({ limits })) {
      if (part.type === 'file') {
        if (part.fieldname !== 'file') throw unknownField(part.fieldname);
        await files.take(part);
        continue;
      }
      const field = FIELDS.find((each) => each === part.fieldname);
      if (!field) throw unknownField(part.fieldname);
      if (fields.has(field)) throw bad(`The field ${field} was sent twice`);
      if (part.valueTruncated) throw bad(`The field ${field} is too long`);
      fields.set(field, textOf(field, String(part.value)));
      if (field === 'id') check(fields.get('id') ?? '');
    }
  } catch (error) {
    throw isBroken(error) ? bad(`The body is no multipart/form-data as described: ${error.message}`) : error;
  }
  const [name, consent] = [fields.get('name'), fields.get('consent')];
  if (name === undefined) throw bad('The field name is missing: what people read below the face');
  if (consent === undefined) {
    throw bad('The field consent is missing: who says that the person shown agrees, such as "It is me."');
  }
  if (files.names.length === 0) throw bad('The request has no file; send the picture or video in the field file');
  const source = files.names.length === 1 ? join(SOURCE, files.names[0]) : SOURCE;
  return { id: fields.get('id') ?? null, name, consent, source, checksum: files.checksum() };
}

/** The files of one request on their way to disk. */
class Files {
  readonly names: string[] = [];
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #hash = createHash('sha256');
  #bytes = 0;

  constructor(folder: string, maxBytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  async take({ file, filename }: MultipartFile): Promise<void> {
    const name = fileName(filename);
    if (this.names.includes(name)) throw bad(`There are two files ${name}; give each a name of its own`);
    this.names.push(name);
    this.#hash.update(`${name}\n`);
    await mkdir(this.#folder, { recursive: true });
    await pipeline(file, this.#counting(), createWriteStream(join(this.#folder, name), { flags: 'wx' }));
    // The parser ends a file of too many bytes as if it were complete.
    if (file.truncated) throw tooLarge(this.#maxBytes);
  }

  checksum(): string {
    return this.#hash.digest('hex');
  }

  #counting(): Transform {
    const transform = (bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback) => {
      this.#bytes += bytes.length;
      this.#hash.update(bytes);
      if (this.#bytes > this.#maxBytes) done(tooLarge(this.#maxBytes));
      else done(null, bytes);
    };
    return new Transform({ transform });
  }
}

/** A plain name for a file that a client calls `given`, with its ending; never hidden, never a path. */
function fileName(given: string): string {
  const last = given.split(/[\\/]/).at(-1) ?? '';
  const clean = last.replace(/[^A-Za-z0-9._-]+/g, '_').replace(/^\.+/, '');
  return clean.slice(-MAX_FILE_NAME).replace(/^\.+/, '') || 'file';
}

/** @throws {AppError} `bad_message`. */
function textOf(field: Field, given: string): string {
  if (field === 'id') {
    if (ID.test(given)) return given;
    throw bad('id must be 1 to 64 of A-Z a-z 0-9 _ -');
  }
  return plainText(field, given, field === 'name' ? 64 : 256);
}

/** @throws {AppError} `bad_message` unless it is one line of 1 to `max` characters; spaces around it are taken off. */
export function plainText(what: string, given: string, max: number): string {
  const text = given.trim();
  if (text.length >= 1 && text.length <= max && !/\p{C}/u.test(text)) return text;
  throw bad(`${what} must be one line of 1 to ${max} characters`);
}

/** `Änne Müller` → `Anne-Muller-3f2a9c`: readable, and taken by nobody else. */
export function idOf(name: string): string {
  const words =
    name
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .match(/[A-Za-z0-9]+/g) ?? [];
  return [...words, randomBytes(3).toString('hex')].join('-').slice(-64).replace(/^-+/, '');
}

/** Whether the parser says that the body is not what it should be: its errors have no code of a system. */
function isBroken(error: unknown): error is Error {
  return error instanceof Error && !(error instanceof AppError) && !('errno' in error);
}

function tooLarge(maxBytes: number): AppError {
  return new AppError(
    'message_too_large',
    `A face may have at most ${maxBytes} bytes, all files together (media.max_upload_bytes).`,
  );
}

function unknownField(name: string): AppError {
  return bad(`The fields are id, name, consent and file, got ${JSON.stringify(name)}`);
}

function bad(message: string): AppError {
  return new AppError('bad_message', message);
}
