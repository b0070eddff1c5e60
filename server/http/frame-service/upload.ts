import { randomBytes, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';

/** Endings that a stored video may have; what it is, is found out from its content. */
const ENDINGS = new Set('.mp4 .mov .webm .mkv .avi .gif .png .jpg .jpeg .webp .bmp'.split(' '));
const USER_ID = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_FIELD_BYTES = 256;

/** A video that was sent, on disk. */
export interface Upload {
  readonly userId: string;
  /** Absolute path. */
  readonly path: string;
  /** Who says that the person shown agrees, in their own words; null if the client did not say. */
  readonly consent: string | null;
}

/**
 * Writes the one file of a multipart request to `<folder>/<user_id>/upload.<ending>`. Nothing is left of an upload that fails.
 *
 * @param folder Absolute.
 * @param mayBe Asked before the file gets its name. @throws {AppError} if the user may have none.
 * @throws {AppError} `bad_message` for fields that are wrong or missing, `message_too_large`.
 */
export async function takeUpload(
  request: FastifyRequest,
  folder: string,
  maxBytes: number,
  mayBe: (userId: string) => void,
): Promise<Upload> {
  if (!request.isMultipart()) throw bad('The request must be multipart/form-data with a file');
  const part = join(folder, `.upload-${randomUUID()}.part`);
  let ending = '';
  let userId: string | null = null;
  let consent: string | null = null;
  try {
    const limits = { fileSize: maxBytes, files: 1, fields: 4, fieldSize: MAX_FIELD_BYTES, parts: 6, headerPairs: 100 };
    for await (const field of request.parts({ limits })) {
      if (field.type === 'field' && field.fieldname === 'user_id') userId = String(field.value);
      else if (field.type === 'field' && field.fieldname === 'consent')
        consent = plainText('consent', String(field.value));
      else if (field.type === 'file' && field.fieldname === 'file') ending = await store(field, part, maxBytes);
      else throw bad(`The fields are file, user_id and consent, got ${JSON.stringify(field.fieldname)}`);
    }
    // Clients leave fields of a form empty that they have nothing for.
    const user = userId || `user_${randomBytes(6).toString('hex')}`;
    if (!USER_ID.test(user)) throw bad('user_id must be 1 to 64 of A-Z a-z 0-9 _ -');
    if (ending === '') throw bad('The request has no file');
    mayBe(user);
    const path = join(folder, user, `upload${ending}`);
    await mkdir(dirname(path), { recursive: true });
    await rename(part, path);
    return { userId: user, path, consent };
  } catch (error) {
    await rm(part, { force: true });
    throw isBroken(error) ? bad(`The body is no multipart/form-data: ${error.message}`) : error;
  }
}

/** Takes an upload away again, and its folder if nothing else is in it. */
export async function removeUpload({ path }: Upload): Promise<void> {
  await rm(path, { force: true });
  await rmdir(dirname(path)).catch(() => {});
}

/** @returns The ending that the file is stored with. */
async function store({ file, filename }: MultipartFile, part: string, maxBytes: number): Promise<string> {
  await mkdir(dirname(part), { recursive: true });
  await pipeline(file, createWriteStream(part, { flags: 'wx' }));
  if (file.truncated) throw new AppError('message_too_large', `A video may have at most ${maxBytes} bytes.`);
  const ending = extname(filename).toLowerCase();
  return ENDINGS.has(ending) ? ending : '.mp4';
}

/** @returns Null for a field that was left empty. @throws {AppError} `bad_message` unless it is one line. */
function plainText(name: string, given: string): string | null {
  const text = given.trim();
  if (!/\p{C}/u.test(text)) return text || null;
  throw bad(`${name} must be one line of at most ${MAX_FIELD_BYTES} bytes`);
}

/** Whether the parser says that the body is not what it should be: its errors have neither a status nor a system's code. */
function isBroken(error: unknown): error is Error {
  return error instanceof Error && !(error instanceof AppError) && !('statusCode' in error) && !('errno' in error);
}

function bad(message: string): AppError {
  return new AppError('bad_message', message);
}
