import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { AppError } from '../../errors.ts';
import { graphFile } from '../../models/musetalk-graphs.ts';
import type { GraphSource } from '../../models/open-graphs.ts';
import { removeLeftovers } from '../leftovers.ts';
import { checksumsIn, isIntact, type Manifest, type PreparedClip } from '../prepared-files.ts';
import { runApart } from '../run-apart.ts';
import { type FaceFacts, type FaceJob, poseFile, preparingGraphs } from './prepare-face.ts';
import { FACE_VERSION, type FaceManifest, facePath, readFaceManifest, writeFaceManifest } from './prepared-face.ts';

/** Longest that the models may take to load, and that one picture may take: many times what a processor without a GPU needs. */
const MAX_LOADING_S = 300;
const MAX_SECONDS_PER_FRAME = 60;

/** Sees to it that avatars have what MuseTalk draws with. */
export class FacePreparation {
  readonly #models: GraphSource;
  #checksums: Promise<Readonly<Record<string, string>>> | null = null;

  constructor(models: GraphSource) {
    this.#models = models;
  }

  /**
   * Makes an avatar's data for MuseTalk, beside what was prepared of it, unless it is there and belongs to its source and to these
   * models. What exists is replaced at once when the new data is complete.
   *
   * @param preparedFolder That of the manifest.
   * @param onProgress Called with 0..1, never if nothing is to do.
   * @param signal Ends the preparation, which leaves nothing behind then.
   * @throws {AppError} As `prepareFace`; the signal's reason when it is aborted.
   */
  async prepare(
    avatarId: string,
    preparedFolder: string,
    manifest: Manifest,
    onProgress: (share: number) => void = () => {},
    signal?: AbortSignal,
  ): Promise<FaceManifest> {
    signal?.throwIfAborted();
    const folder = facePath(preparedFolder);
    await removeLeftovers(folder);
    const models = await this.#modelChecksums();
    const existing = await readFaceManifest(folder);
    const isCurrent =
      existing && existing.source === manifest.source && JSON.stringify(existing.models) === JSON.stringify(models);
    if (isCurrent && (await isIntact(folder, existing))) return existing;

    const newFolder = `${folder}.${process.pid}-${randomUUID()}`;
    await mkdir(newFolder, { recursive: true });
    try {
      // Nobody speaks in the others.
      const clips = manifest.clips.filter(({ name }) => !name.startsWith('action_'));
      const { sizePx } = manifest;
      const job: FaceJob = { avatarId, preparedFolder, clips, sizePx, folder: newFolder, models: this.#models };
      const facts = await prepareFaceApart(job, onProgress, signal);
      const made: FaceManifest = {
        version: FACE_VERSION,
        source: manifest.source,
        models,
        ...facts,
        clips: clips.map(({ name, fileFrames, frameCount }) => ({ name, fileFrames, frameCount })),
        files: await checksumsIn(newFolder),
      };
      await writeFaceManifest(newFolder, made);
      signal?.throwIfAborted();
      await rm(folder, { recursive: true, force: true });
      await rename(newFolder, folder);
      return made;
    } finally {
      await rm(newFolder, { recursive: true, force: true });
    }
  }

  /** SHA-256 of the files of the graphs that take part; looked at once. */
  #modelChecksums(): Promise<Readonly<Record<string, string>>> {
    const { modelsFolder } = this.#models;
    const graphs = preparingGraphs(modelsFolder).map((name) => graphFile(modelsFolder, name));
    const beside = [...graphs.map((path) => `${path}.data`), poseFile(modelsFolder)].filter((path) => existsSync(path));
    this.#checksums ??= checksumsOf([...graphs, ...beside]);
    // A file that was not there may be there the next time.
    this.#checksums.catch(() => {
      this.#checksums = null;
    });
    return this.#checksums;
  }
}

function prepareFaceApart(
  job: FaceJob,
  onProgress: (share: number) => void,
  signal: AbortSignal | undefined,
): Promise<FaceFacts> {
  const frames = job.clips.reduce((sum, { fileFrames }: PreparedClip) => sum + fileFrames, 0);
  const maxSeconds = MAX_LOADING_S + frames * MAX_SECONDS_PER_FRAME;
  return runApart(job, {
    process: new URL('./face-process.ts', import.meta.url),
    onProgress,
    signal,
    maxSeconds,
    tooSlow: () =>
      new AppError(
        'timeout',
        `Avatar ${job.avatarId}: making what MuseTalk draws with took more than ${maxSeconds} s. Use a faster machine, or the embedded engine.`,
      ),
    crashed: (how) =>
      new AppError(
        'engine_failed',
        `Avatar ${job.avatarId}: making what MuseTalk draws with broke off (${how}). Check that ${job.models.modelsFolder} fits into memory.`,
      ),
  });
}

async function checksumsOf(paths: readonly string[]): Promise<Record<string, string>> {
  const sums: [string, string][] = [];
  for (const path of paths) {
    const hash = createHash('sha256');
    try {
      for await (const bytes of createReadStream(path)) hash.update(bytes);
    } catch (cause) {
      throw new AppError('model_missing', `the model ${path} cannot be read; put it there`, { cause });
    }
    sums.push([basename(path), hash.digest('hex')]);
  }
  return Object.fromEntries(sums);
}
