import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { type ManifestFile, sizeProblem } from './manifest.ts';

/** `problem` says what is wrong with a file, null if nothing is; `sha256` is null where the size was already wrong. */
export interface Checked {
  readonly problem: string | null;
  readonly sha256: string | null;
}

/** Whether the file at `path` is what the manifest says. @throws if it cannot be read. */
export async function checkFile(path: string, file: ManifestFile, signal?: AbortSignal): Promise<Checked> {
  const problem = sizeProblem(file, (await stat(path)).size);
  if (problem !== null) return { problem, sha256: null };
  const sha256 = await sha256Of(path, signal);
  if (file.sha256 === null || file.sha256 === sha256) return { problem: null, sha256 };
  return { problem: `must have SHA-256 ${file.sha256}, got ${sha256}`, sha256 };
}

async function sha256Of(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash, signal ? { signal } : {});
  return hash.digest('hex');
}
