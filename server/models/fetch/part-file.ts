import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';

/** What an unfinished file is a part of: only if that has not changed may more be appended. */
interface Origin {
  readonly url: string;
  /** A strong entity tag. */
  readonly etag: string;
}

/**
 * The beginning of a file, kept under `<target>.part` until all of it is there; `<target>.part.json` says what it is the
 * beginning of. One process at a time.
 */
export class PartFile {
  readonly path: string;
  readonly #target: string;
  readonly #notePath: string;

  constructor(target: string) {
    this.#target = target;
    this.path = `${target}.part`;
    this.#notePath = `${target}.part.json`;
  }

  /** How much of `url` is there, and its entity tag; zero bytes where nothing can be appended to. */
  async have(url: string): Promise<{ sizeBytes: number; etag: string | null }> {
    const note = await readFile(this.#notePath, 'utf8').then(originOf, () => null);
    const sizeBytes = await stat(this.path).then(
      ({ size }) => size,
      () => 0,
    );
    return note?.url === url && sizeBytes > 0 ? { sizeBytes, etag: note.etag } : { sizeBytes: 0, etag: null };
  }

  /**
   * Opens the part to write on at `sizeBytes`; what lies beyond is cut off.
   * @param etag Of what follows; null or a weak one means that it cannot be resumed.
   */
  async openAt(sizeBytes: number, url: string, etag: string | null): Promise<FileHandle> {
    if (etag === null || etag.startsWith('W/')) await rm(this.#notePath, { force: true });
    else await writeFile(this.#notePath, JSON.stringify({ url, etag } satisfies Origin));
    const file = await open(this.path, sizeBytes === 0 ? 'w' : 'r+');
    await file.truncate(sizeBytes);
    return file;
  }

  /** The part is the whole: it takes its place in one step. */
  async finish(): Promise<void> {
    await rename(this.path, this.#target);
    await rm(this.#notePath, { force: true });
  }

  async discard(): Promise<void> {
    await rm(this.path, { force: true });
    await rm(this.#notePath, { force: true });
  }
}

function originOf(text: string): Origin | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('url' in value) || !('etag' in value)) return null;
    const { url, etag } = value;
    return typeof url === 'string' && typeof etag === 'string' ? { url, etag } : null;
  } catch {
    return null;
  }
}
