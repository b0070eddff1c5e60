import { parentPort, workerData } from 'node:worker_threads';
import { type Avatar, type AvatarClip, avatarFrame, GEOMETRY_SIZE } from '../avatars/avatar.ts';
import { pasteBox } from '../avatars/box-paste.ts';
import { Composer } from '../avatars/compose.ts';
import { brokenPatch } from '../engines/broken-patch.ts';
import type { Engine, EngineReport, MouthPatch, StartProgress } from '../engines/engine.ts';
import { createEngine } from '../engines/registry.ts';
import { AppError } from '../errors.ts';
import { drawLast } from '../thread-priorities.ts';
import type { BatchTime, Drawing, FromWorker, ToWorker, WireJob, WorkerStart } from './messages.ts';

/** Where one batch takes longer, larger ones are of no use to anybody who speaks. */
const SLOWEST_BATCH_MS = 500;

/** Runs one engine: draws the mouths of a batch and composes them into the pictures that the session owns. */
class EngineWorker {
  readonly #engine: Engine;
  readonly #composer: Composer;
  readonly #avatars = new Map<string, Avatar>();

  constructor(engine: Engine, composer: Composer) {
    this.#engine = engine;
    this.#composer = composer;
  }

  get report(): EngineReport | null {
    return this.#engine.report ?? null;
  }

  async addAvatar(avatar: Avatar): Promise<void> {
    await this.#engine.addAvatar(avatar);
    this.#avatars.set(avatar.id, avatar);
  }

  removeAvatar(avatarId: string): void {
    this.#engine.removeAvatar(avatarId);
    this.#avatars.delete(avatarId);
  }

  /**
   * Draws jobs in calls of as many as the engine takes at once. A call that fails costs only its own jobs, and a job that names
   * what is not there only itself.
   */
  async infer(batchId: number, jobs: readonly WireJob[]): Promise<FromWorker> {
    const drawings = jobs.map((): Drawing => 'failed');
    const answer = { failures: [] as string[], refusals: [] as string[], inferMs: 0, composeMs: 0 };
    const known = [...jobs.entries()].filter(([, job]) => this.#isKnown(job, answer.refusals));
    const { maxBatch } = this.#engine.spec;
    for (let first = 0; first < known.length; first += maxBatch) {
      const some = known.slice(first, first + maxBatch);
      const startedMs = performance.now();
      let inferredMs = startedMs;
      try {
        const patches = await this.#engine.infer(some.map(([, job]) => job));
        inferredMs = performance.now();
        for (const [at, [index, job]] of some.entries()) {
          drawings[index] = this.#draw(job, patches[at], answer.failures);
        }
      } catch (error) {
        for (const [index] of some) drawings[index] = 'failed';
        answer.failures.push(messageOf(error));
        // Whose job failed alone may have broken what the engine remembers of the session.
        if (some.length === 1) this.#engine.endSession(some[0][1].sessionId);
      }
      answer.inferMs += inferredMs - startedMs;
      answer.composeMs += performance.now() - inferredMs;
    }
    return { type: 'inferred', batchId, drawings, ...answer };
  }

  /** Makes the device ready for batches of those sizes, and measures them. Ends with the first that is too large or too slow. */
  async warmUp(sizes: readonly number[], tell: (progress: StartProgress) => void): Promise<BatchTime[]> {
    const times: BatchTime[] = [];
    if (sizes.length > 0 && !this.#engine.warmUp) {
      throw new AppError('engine_failed', `engine ${this.#engine.spec.id} is for a gpu and must have warmUp()`);
    }
    for (const [at, size] of sizes.entries()) {
      tell({ step: `warming up batches of ${size}`, share: at / sizes.length });
      try {
        await this.#engine.warmUp?.(size);
        // The faster of two: the machine may have had something else to do.
        times.push({ size, ms: Math.min(await this.#timeBatch(size), await this.#timeBatch(size)) });
      } catch (error) {
        if (times.length === 0) throw error;
        return times;
      }
      if (times[times.length - 1].ms > SLOWEST_BATCH_MS) return times;
    }
    return times;
  }

  async #timeBatch(size: number): Promise<number> {
    const startedMs = performance.now();
    await this.#engine.warmUp?.(size);
    return performance.now() - startedMs;
  }

  #draw(job: WireJob, patch: MouthPatch | null, failures: string[]): Drawing {
    if (patch === null) return 'closed';
    const broken = brokenPatch(patch);
    if (broken === null) return this.#compose(job, patch);
    failures.push(broken);
    // What the engine remembers of the session may be broken as well.
    this.#engine.endSession(job.sessionId);
    return 'failed';
  }

  #compose(job: WireJob, patch: MouthPatch): Drawing {
    const { avatar, clip } = this.#find(job);
    const base = avatarFrame(avatar, clip, job.clipFrame);
    const index = job.clipFrame % clip.frameCount;
    const geometry = new Float32Array(clip.geometry, index * GEOMETRY_SIZE * 4, GEOMETRY_SIZE);
    const out = { widthPx: base.widthPx, heightPx: base.heightPx, data: new Uint8Array(job.picture) };
    if (patch.kind === 'box') pasteBox(out, base, patch);
    else this.#composer.compose(out, base, geometry, patch);
    if (job.mouth && patch.parameters) new Float32Array(job.mouth).set(patch.parameters);
    return 'drawn';
  }

  #isKnown(job: WireJob, refusals: string[]): boolean {
    try {
      this.#find(job);
      return true;
    } catch (error) {
      refusals.push(messageOf(error));
      return false;
    }
  }

  #find(job: WireJob): { avatar: Avatar; clip: AvatarClip } {
    const avatar = this.#avatars.get(job.avatarId);
    if (!avatar) throw new AppError('avatar_not_found', `Avatar ${job.avatarId} not found`);
    const clip = avatar.clips.find((candidate) => candidate.name === job.clipName);
    if (!clip) throw new AppError('clip_not_found', `Avatar ${job.avatarId} has no clip ${job.clipName}`);
    return { avatar, clip };
  }

  endSession(sessionId: string): void {
    this.#engine.endSession(sessionId);
  }

  async close(): Promise<void> {
    await this.#engine.close();
  }
}

async function serve(): Promise<void> {
  const port = parentPort;
  if (!port) throw new TypeError('engine-worker.ts runs in a worker thread only');
  const start = workerData as WorkerStart;
  const send = (message: FromWorker): void => port.postMessage(message);

  let worker: EngineWorker;
  let batchTimes: readonly BatchTime[];
  try {
    const tell = (progress: StartProgress): void => send({ type: 'starting', progress });
    worker = new EngineWorker(await createEngine(start.engine, tell), new Composer());
    batchTimes = await worker.warmUp(start.warmUp, tell);
    for (const avatar of start.avatars) await addAvatar(avatar);
  } catch (error) {
    send({ type: 'start_failed', message: messageOf(error) });
    return;
  }

  // Messages are worked off one after the other, so that an engine never sees two calls at once.
  let tail = Promise.resolve();
  port.on('message', (message: ToWorker) => {
    tail = tail.then(() => handle(message));
  });
  send({ type: 'ready', batchTimes, report: worker.report });

  /** An avatar that the engine cannot use is its own sessions' loss, not everybody's. */
  async function addAvatar(avatar: Avatar): Promise<void> {
    try {
      await worker.addAvatar(avatar);
    } catch (error) {
      send({ type: 'avatar_refused', avatarId: avatar.id, message: messageOf(error) });
    }
  }

  async function handle(message: ToWorker): Promise<void> {
    switch (message.type) {
      case 'infer':
        send(await worker.infer(message.batchId, message.jobs));
        break;
      case 'add_avatar':
        await addAvatar(message.avatar);
        break;
      case 'remove_avatar':
        worker.removeAvatar(message.avatarId);
        break;
      case 'end_session':
        worker.endSession(message.sessionId);
        break;
      case 'stop':
        await worker.close();
        port?.close();
        break;
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

drawLast();
await serve();
