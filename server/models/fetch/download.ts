import type { FileHandle } from 'node:fs/promises';
import { AppError } from '../../errors.ts';
import { checkFile } from './check-file.ts';
import { type ManifestFile, mostBytes, sizeProblem } from './manifest.ts';
import { PartFile } from './part-file.ts';

export interface DownloadOptions {
  /** Called with what is there of the file, in bytes, and how long it will be if the server says so. */
  readonly onProgress: (haveBytes: number, totalBytes: number | null) => void;
  /** Waits; tests pass their own. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  /** A server that sends nothing for this long is asked again, ms. */
  readonly stallMs: number;
}

/** Attempts in a row that bring nothing. */
const MAX_FRUITLESS_ATTEMPTS = 5;
/** Attempts altogether: a file of gigabytes may well break off some dozen times. */
const MAX_ATTEMPTS = 200;
const FIRST_WAIT_MS = 1000;
const LAST_WAIT_MS = 30_000;
/** Longest `Retry-After` that is waited for, ms. */
const MAX_ASKED_WAIT_MS = 120_000;

/** Something that may go better next time. */
class Hiccup extends Error {
  readonly waitMs: number;
  constructor(message: string, waitMs = 0) {
    super(message);
    this.waitMs = waitMs;
  }
}

/**
 * Fetches one file, going on where an earlier try broke off, and puts it at `target` when it is whole and right.
 *
 * @returns Its SHA-256.
 * @throws {AppError} `fetch_failed` with address, what was expected, what was found; what came so far stays for the next try,
 *   unless it is known to be wrong. The signal's reason when it is aborted.
 */
export async function downloadFile(
  url: string,
  file: ManifestFile,
  target: string,
  options: DownloadOptions,
): Promise<string> {
  const part = new PartFile(target);
  let fruitless = 0;
  for (let attempt = 1; ; attempt++) {
    const { sizeBytes: before } = await part.have(url);
    try {
      const wasResumed = await receive(url, file, part, options);
      const { problem, sha256 } = await checkFile(part.path, file, options.signal);
      if (problem === null && sha256 !== null) {
        await part.finish();
        return sha256;
      }
      await part.discard();
      // The beginning may be from a file that was there earlier; all of it at once is worth one more try.
      if (!wasResumed) throw failed(url, `${file.path} ${problem}`);
      throw new Hiccup(`${file.path} ${problem}`);
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof Hiccup)) throw error;
      const { sizeBytes: after } = await part.have(url);
      fruitless = after > before ? 0 : fruitless + 1;
      if (fruitless === MAX_FRUITLESS_ATTEMPTS || attempt === MAX_ATTEMPTS) {
        throw failed(url, `${error.message}; gave up after ${attempt} attempts. Run it again to go on`);
      }
      const waitMs = error.waitMs || Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** fruitless);
      // Whoever aborts has a reason, which says more than that a wait was aborted.
      await options.wait(waitMs, options.signal).catch(() => {});
      options.signal.throwIfAborted();
    }
  }
}

/** Asks once and writes what comes. @returns Whether it went on from an earlier beginning. */
async function receive(url: string, file: ManifestFile, part: PartFile, options: DownloadOptions): Promise<boolean> {
  const { sizeBytes: have, etag } = await part.have(url);
  const stall = stallGuard(options.stallMs, options.signal);
  try {
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    if (etag !== null) Object.assign(headers, { range: `bytes=${have}-`, 'if-range': etag });
    const response = await fetch(url, { headers, signal: stall.signal }).catch((cause: unknown) => {
      throw new Hiccup(`no answer (${reasonOf(cause)})`);
    });
    try {
      if (response.status === 416) return await askedBeyondTheEnd(response, have, part);
      const from = startOf(response, url, file, have);
      const totalBytes = totalOf(response, from);
      const problem = totalBytes === null ? null : sizeProblem(file, totalBytes);
      if (problem !== null) throw failed(url, `${file.path} ${problem}`);
      const target = await part.openAt(from, url, response.headers.get('etag'));
      try {
        await write(response, target, { from, totalBytes, url, file, options, onBytes: stall.restart });
      } finally {
        await target.close();
      }
      return from > 0;
    } finally {
      await response.body?.cancel().catch(() => {});
    }
  } finally {
    stall.clear();
  }
}

interface Writing {
  readonly from: number;
  readonly totalBytes: number | null;
  readonly url: string;
  readonly file: ManifestFile;
  readonly options: DownloadOptions;
  readonly onBytes: () => void;
}

async function write(response: Response, target: FileHandle, writing: Writing): Promise<void> {
  const { from, totalBytes, url, file, options, onBytes } = writing;
  const limit = totalBytes ?? mostBytes(file);
  let at = from;
  options.onProgress(at, totalBytes);
  try {
    for await (const chunk of response.body ?? []) {
      onBytes();
      if (at + chunk.length > limit) throw failed(url, `${file.path} must have at most ${limit} bytes, got more`);
      await target.write(chunk, 0, chunk.length, at).catch((cause: Error) => {
        throw failed(url, `${file.path} cannot be written (${cause.message})`);
      });
      at += chunk.length;
      options.onProgress(at, totalBytes);
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new Hiccup(`it broke off after ${at} bytes (${reasonOf(error)})`);
  }
  if (totalBytes !== null && at < totalBytes) throw new Hiccup(`it ended after ${at} of ${totalBytes} bytes`);
  await target.sync();
}

/** Where the body of an answer begins in the file. */
function startOf(response: Response, url: string, file: ManifestFile, have: number): number {
  const { status, headers } = response;
  if (status === 429 || status >= 500) throw new Hiccup(`it answered ${status}`, askedWaitMs(headers));
  if (status !== 200 && status !== 206) {
    throw failed(url, `${file.path} must be there (200), it answered ${status}`);
  }
  if (headers.get('content-type')?.startsWith('text/html')) {
    throw failed(url, `${file.path} must be a file, it answered with a web page. Fetch it with a browser`);
  }
  if (status === 200) return 0;
  const start = /^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1];
  if (Number(start) === have) return have;
  throw failed(url, `bytes from ${have} were asked for, it answered with ${headers.get('content-range')}`);
}

/** Bytes of the whole file as the server says, null if it does not. */
function totalOf({ status, headers }: Response, from: number): number | null {
  const range = /^bytes \d+-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1];
  if (status === 206 && range !== undefined) return Number(range);
  const length = headers.get('content-length');
  return length === null ? null : from + Number(length);
}

/** Nothing follows: either all is there already, or the file is another one now. */
async function askedBeyondTheEnd({ headers }: Response, have: number, part: PartFile): Promise<boolean> {
  if (headers.get('content-range') === `bytes */${have}`) return true;
  await part.discard();
  throw new Hiccup('the file has changed');
}

function askedWaitMs(headers: Headers): number {
  const seconds = Number(headers.get('retry-after'));
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(MAX_ASKED_WAIT_MS, seconds * 1000) : 0;
}

/** A signal that aborts with `outer`, and when `restart` was not called for `limitMs`. */
function stallGuard(limitMs: number, outer: AbortSignal) {
  const inner = new AbortController();
  const stop = () => inner.abort(outer.reason);
  outer.addEventListener('abort', stop, { once: true });
  if (outer.aborted) stop();
  const abort = () => inner.abort(new Error(`nothing came for ${limitMs} ms`));
  let timer = setTimeout(abort, limitMs);
  return {
    signal: inner.signal,
    restart: () => {
      clearTimeout(timer);
      timer = setTimeout(abort, limitMs);
    },
    clear: () => {
      clearTimeout(timer);
      outer.removeEventListener('abort', stop);
    },
  };
}

function failed(url: string, reason: string): AppError {
  return new AppError('fetch_failed', `${url}: ${reason}.`);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
