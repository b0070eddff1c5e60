import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import { GEOMETRY_SIZE } from './avatar.ts';
import type { AvatarReport } from './avatar-report.ts';
import type { Consent } from './source-clips.ts';

/** Raised when prepared data changes its meaning, so that older data is made again. */
export const PREPARATION_VERSION = 5;
export const MANIFEST = 'manifest.json';
/** Side of avatars' pictures unless the configuration says otherwise, in pixels. */
export const AVATAR_SIZE_PX = 512;
/** Rate of every clip. */
export const CLIP_FRAMES_PER_SECOND = 25;

/** One clip as prepared. */
export interface PreparedClip {
  readonly name: string;
  /** Its pictures: a path relative to the folder of the manifest, as large as the manifest says, at 25 fps. May be the source itself. */
  readonly file: string;
  /** Pictures taken from the file, from the first one on. */
  readonly fileFrames: number;
  /** Whether the clip plays forwards and then backwards, because its end does not lead to its start. */
  readonly isMirrored: boolean;
  /** Length of the loop. */
  readonly frameCount: number;
}

/** `manifest.json`: what was prepared, from what. Geometry lies beside it as `<clip>.geometry`, float32 little-endian. */
export interface Manifest {
  readonly version: number;
  /** SHA-256 over the source files. */
  readonly source: string;
  readonly bboxShiftPx: number;
  /** Version of the library and the models that found the face. */
  readonly faceModels: string;
  /** Side of its pictures. */
  readonly sizePx: number;
  readonly framesPerSecond: number;
  /** Most faces that a picture showed; the largest was taken. */
  readonly faceCount: number;
  /** A still picture; relative to the folder of the manifest. */
  readonly portrait: string;
  /** `idle_0` first. */
  readonly clips: readonly PreparedClip[];
  /** What was found out about the pictures; never `refused`. */
  readonly report: AvatarReport;
  /** Null if nobody was asked. */
  readonly consent: Consent | null;
  /** The other files of the folder by name. */
  readonly files: Readonly<Record<string, FileChecksum>>;
}

export interface FileChecksum {
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** @returns Null if the folder holds no prepared data of this version. */
export async function readManifest(folder: string): Promise<Manifest | null> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const manifest = JSON.parse(text) as Manifest;
    return manifest.version === PREPARATION_VERSION ? manifest : null;
  } catch {
    return null;
  }
}

/** Writes `manifest.json`; what was there is replaced at once or not at all. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const path = join(folder, MANIFEST);
  const part = `${path}.${randomUUID()}.part`;
  await writeFile(part, `${JSON.stringify(manifest, null, 2)}\n`);
  await rename(part, path);
}

/** Of all files that lie in a folder but its manifest. */
export async function checksumsIn(folder: string): Promise<Record<string, FileChecksum>> {
  const names = (await readdir(folder)).filter((name) => name !== MANIFEST).sort();
  const sums = names.map(async (name) => [name, await checksumOfFile(join(folder, name))] as const);
  return Object.fromEntries(await Promise.all(sums));
}

/** Whether all files that a manifest names are there as they were when it was written. */
export async function isIntact(folder: string, { files }: Pick<Manifest, 'files'>): Promise<boolean> {
  for (const [name, { sizeBytes, sha256 }] of Object.entries(files)) {
    const found = await checksumOfFile(join(folder, name)).catch(() => null);
    if (found?.sizeBytes !== sizeBytes || found.sha256 !== sha256) return false;
  }
  return true;
}

async function checksumOfFile(path: string): Promise<FileChecksum> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const bytes of createReadStream(path)) {
    hash.update(bytes);
    sizeBytes += bytes.length;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

/** @returns float32, `frameCount × GEOMETRY_SIZE`, in shared memory. @throws {AppError} `avatar_invalid` if it is damaged. */
export async function readGeometry(
  folder: string,
  clip: Pick<PreparedClip, 'name' | 'frameCount'>,
): Promise<SharedArrayBuffer> {
  const path = geometryPath(folder, clip.name);
  const bytes = await readFile(path).catch(() => null);
  const geometry = new SharedArrayBuffer(clip.frameCount * GEOMETRY_SIZE * Float32Array.BYTES_PER_ELEMENT);
  if (bytes?.length !== geometry.byteLength) {
    throw new AppError(
      'avatar_invalid',
      `${path} should have ${geometry.byteLength} bytes, found ${bytes?.length ?? 'no file'}. Delete ${folder}; it is prepared again at the next start.`,
    );
  }
  new Uint8Array(geometry).set(bytes);
  return geometry;
}

export function geometryPath(folder: string, clipName: string): string {
  return join(folder, `${clipName}.geometry`);
}

/** File frame that is shown at a place of the loop: 0 1 2 3, and if mirrored 2 1 after that. */
export function fileFrameAt(clip: Pick<PreparedClip, 'fileFrames'>, index: number): number {
  return index < clip.fileFrames ? index : 2 * (clip.fileFrames - 1) - index;
}
