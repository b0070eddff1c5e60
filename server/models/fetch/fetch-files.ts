import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../errors.ts';
import { checkFile } from './check-file.ts';
import { type DownloadOptions, downloadFile } from './download.ts';
import { type Manifest, type ManifestFile, mostBytes } from './manifest.ts';
import { PartFile } from './part-file.ts';

/** Where files come from: their publishers, a server or a folder with the same layout. */
export type Origin =
  | { readonly kind: 'publishers' }
  | { readonly kind: 'mirror'; readonly url: string }
  | { readonly kind: 'folder'; readonly path: string };

export interface FetchOptions extends Pick<DownloadOptions, 'signal' | 'stallMs' | 'wait'> {
  readonly manifest: Manifest;
  /** Absolute; made if it is not there. */
  readonly folder: string;
  readonly origin: Origin;
  readonly withOptional: boolean;
  /** Called as a file grows: share 0..1 of `file`. */
  readonly onProgress: (file: ManifestFile, share: number) => void;
  /** Free bytes in a folder; asked from the system if left out. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

/** What became of one file. */
export interface FetchedFile {
  readonly path: string;
  readonly outcome: 'present' | 'fetched';
  readonly sha256: string;
  /** False where the manifest knows no checksum, so that only the size was looked at. */
  readonly isVerified: boolean;
}

const LOCK = '.fetching';
/** Kept free beside the files, for whatever else the machine does. */
const SPARE_BYTES = 256 * 2 ** 20;

/**
 * Brings all files of a manifest into a folder; those that are there and right stay. One process at a time in a folder.
 *
 * @throws {AppError} `fetch_failed` for the first file that cannot be had; the ones before it stay.
 */
export async function fetchFiles(options: FetchOptions): Promise<FetchedFile[]> {
  const { manifest, folder, withOptional } = options;
  await mkdir(folder, { recursive: true });
  const unlock = await lock(folder);
  try {
    const files = manifest.files.filter((file) => withOptional || !file.isOptional);
    const present = new Map<ManifestFile, string>();
    for (const file of files) {
      const sha256 = await presentSha256(join(folder, file.path), file, options.signal);
      if (sha256 !== null) present.set(file, sha256);
    }
    await requireSpace(
      folder,
      files.filter((file) => !present.has(file)),
      options.freeBytes ?? freeBytes,
    );
    const fetched: FetchedFile[] = [];
    for (const file of files) {
      const there = present.get(file);
      fetched.push({
        path: file.path,
        outcome: there === undefined ? 'fetched' : 'present',
        sha256: there ?? (await bring(file, options)),
        isVerified: file.sha256 !== null,
      });
    }
    return fetched;
  } finally {
    await unlock();
  }
}

/** Paths of the manifest that are not in a folder, optional ones left out. */
export function missingFiles({ files }: Manifest, folder: string): string[] {
  return files.filter((file) => !file.isOptional && !existsSync(join(folder, file.path))).map(({ path }) => path);
}

async function bring(file: ManifestFile, options: FetchOptions): Promise<string> {
  const { folder, origin, onProgress } = options;
  const target = join(folder, file.path);
  await mkdir(dirname(target), { recursive: true });
  if (origin.kind === 'folder') return bringFrom(origin.path, file, target, options);
  const url = origin.kind === 'mirror' ? `${origin.url.replace(/\/+$/, '')}/${file.path}` : file.url;
  const sha256 = await downloadFile(url, file, target, {
    ...options,
    onProgress: (have, total) => onProgress(file, have / (total ?? mostBytes(file))),
  });
  onProgress(file, 1);
  return sha256;
}

async function bringFrom(from: string, file: ManifestFile, target: string, options: FetchOptions): Promise<string> {
  const source = join(from, file.path);
  if (!existsSync(source)) {
    throw new AppError('fetch_failed', `${source} does not exist; the folder must have the layout of its publishers`);
  }
  const part = new PartFile(target);
  await copyFile(source, part.path);
  const { problem, sha256 } = await checkFile(part.path, file, options.signal);
  if (problem !== null || sha256 === null) {
    await part.discard();
    throw new AppError('fetch_failed', `${source}: ${file.path} ${problem}.`);
  }
  await part.finish();
  options.onProgress(file, 1);
  return sha256;
}

/** SHA-256 of a file that is there and right; null otherwise. A wrong one is fetched again. */
async function presentSha256(path: string, file: ManifestFile, signal: AbortSignal): Promise<string | null> {
  if (!existsSync(path)) return null;
  const { problem, sha256 } = await checkFile(path, file, signal);
  return problem === null ? sha256 : null;
}

async function requireSpace(
  folder: string,
  files: readonly ManifestFile[],
  free: (folder: string) => Promise<number>,
): Promise<void> {
  let neededBytes = files.length > 0 ? SPARE_BYTES : 0;
  for (const file of files) {
    const partBytes = await stat(`${join(folder, file.path)}.part`).then(
      ({ size }) => size,
      () => 0,
    );
    neededBytes += Math.max(0, mostBytes(file) - partBytes);
  }
  const foundBytes = await free(folder);
  if (foundBytes >= neededBytes) return;
  const [needed, found] = [neededBytes, foundBytes].map((bytes) => `${(bytes / 1e9).toFixed(1)} GB`);
  throw new AppError(
    'fetch_failed',
    `${folder} must have ${needed} free, got ${found}. Make room, or take another disk.`,
  );
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Keeps others from writing to the same parts. */
async function lock(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, LOCK);
  await writeFile(path, String(process.pid), { flag: 'wx' }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw cause;
    throw new AppError('fetch_failed', `${folder} is being fetched to already. If that is not so, delete ${path}.`);
  });
  return () => rm(path, { force: true });
}
