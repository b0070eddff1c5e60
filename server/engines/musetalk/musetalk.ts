import type { Avatar } from '../../avatars/avatar.ts';
import { facePath, PreparedFace, readFaceManifest } from '../../avatars/musetalk/prepared-face.ts';
import { AppError } from '../../errors.ts';
import { graphFile, sizeOf } from '../../models/musetalk-graphs.ts';
import { hasGraph, type OpenedGraphs, openGraphs } from '../../models/open-graphs.ts';
import type { Engine, EngineReport, EngineSpec, MouthJob, MouthPatch, StartProgress } from '../engine.ts';
import type { EngineSettings, MuseTalkSettings } from '../registry.ts';
import { unknownAvatar } from '../unknown-avatar.ts';
import { FaceDrawer, type Graph } from './face-drawer.ts';
import { Hearing, HISTORY_MS, LOOK_AHEAD_MS } from './hearing.ts';

/** Mouths that are drawn at once; more do not make a large GPU faster. */
const MAX_BATCH = 16;

export const spec: EngineSpec = {
  id: 'musetalk',
  features: { kind: 'sound', historyMs: HISTORY_MS, lookAheadMs: LOOK_AHEAD_MS },
  patchSizePx: 256,
  maxBatch: MAX_BATCH,
  isStateful: true,
  // One instance: its weights fill gigabytes, and where there is no GPU it computes with all cores.
  device: 'gpu',
  computeBudgetMs: 100,
};

/** Paths of the graphs that drawing and preparing cannot do without. */
export function modelFiles(settings: EngineSettings | undefined): readonly string[] {
  const musetalk = musetalkOf(settings);
  return [...drawingGraphs(musetalk), 'vae-encoder' as const].map((name) => graphFile(musetalk.modelsFolder, name));
}

type DrawingGraph = 'whisper-encoder' | 'unet' | 'vae-decoder' | 'fast-decoder' | 'unet-decoder';

/** Whisper's encoder, and the UNet with its decoder, in one graph where there is such a one. */
function drawingGraphs({ modelsFolder, decoder }: MuseTalkSettings): readonly DrawingGraph[] {
  if (decoder === 'fast') return ['whisper-encoder', 'unet', 'fast-decoder'];
  const isFused = hasGraph(modelsFolder, 'unet-decoder');
  return ['whisper-encoder', ...(isFused ? (['unet-decoder'] as const) : (['unet', 'vae-decoder'] as const))];
}

function musetalkOf(settings: EngineSettings | undefined): MuseTalkSettings {
  if (settings) return settings.musetalk;
  throw new TypeError('the musetalk engine needs its settings, see EngineChoice.settings');
}

/** What is known of an avatar: its clips by name, or why it cannot be drawn. */
type Face = KnownFace | AppError;

interface KnownFace {
  /** Checksums of what was read. */
  readonly files: string;
  readonly clips: ReadonlyMap<string, PreparedFace>;
}

/** MuseTalk 1.5: hears with Whisper, draws the lower half of the face anew with a UNet, for many sessions at once. */
class MuseTalkEngine implements Engine {
  readonly spec = spec;
  readonly report: EngineReport;
  readonly #graphs: OpenedGraphs<DrawingGraph>;
  readonly #hearing: Hearing;
  readonly #drawer: FaceDrawer;
  readonly #faces = new Map<string, Face>();

  /** The graphs become the engine's. */
  constructor(graphs: OpenedGraphs<DrawingGraph>) {
    const encoder = graphs.facts['whisper-encoder'];
    this.#graphs = graphs;
    this.report = reportOf(graphs);
    this.#hearing = new Hearing(graphs.models['whisper-encoder'], {
      width: sizeOf(encoder, 'width'),
      layers: sizeOf(encoder, 'layers'),
      positions: sizeOf(encoder, 'positions'),
      melFrames: sizeOf(encoder, 'melFrames'),
    });
    const graph = (name: DrawingGraph): Graph => ({ model: graphs.models[name], facts: graphs.facts[name] });
    const isFused = 'unet-decoder' in graphs.facts;
    const apart = 'fast-decoder' in graphs.facts ? 'fast-decoder' : 'vae-decoder';
    const decoder = graph(isFused ? 'unet-decoder' : apart);
    const options = { maxBatch: MAX_BATCH, isPadded: graphs.provider !== 'cpu' };
    this.#drawer = new FaceDrawer(isFused ? null : graph('unet'), decoder, this.#hearing, options);
  }

  async addAvatar(avatar: Avatar): Promise<void> {
    this.#faces.set(avatar.id, await this.#read(avatar).catch((error) => this.#unusable(avatar, error)));
  }

  removeAvatar(avatarId: string): void {
    this.#faces.delete(avatarId);
  }

  async infer(jobs: readonly MouthJob[]): Promise<(MouthPatch | null)[]> {
    if (jobs.length > MAX_BATCH) throw new RangeError(`at most ${MAX_BATCH} jobs, got ${jobs.length}`);
    const drawable = jobs.flatMap((job) => {
      const face = this.#faces.get(job.avatarId);
      if (!face) throw unknownAvatar(spec.id, job.avatarId);
      // An avatar that lacks something keeps its mouth closed and does not fail the jobs of others.
      const clip = face instanceof AppError ? undefined : face.clips.get(job.clipName);
      return clip ? [{ job, frame: clip.at(job.clipFrame) }] : [];
    });
    const patches = drawable.length > 0 ? await this.#drawer.draw(drawable) : [];
    let drawn = 0;
    return jobs.map((job) => (drawable[drawn]?.job === job ? patches[drawn++] : null));
  }

  async warmUp(count: number): Promise<void> {
    await this.#drawer.warmUp(count);
  }

  endSession(sessionId: string): void {
    this.#hearing.forget(sessionId);
  }

  async close(): Promise<void> {
    await this.#graphs.close();
  }

  async #read({ id, folder }: Avatar): Promise<Face> {
    const path = facePath(folder ?? '');
    const manifest = folder === undefined ? null : await readFaceManifest(path);
    if (!manifest) throw new AppError('avatar_invalid', `avatar ${id} has no data for MuseTalk in ${path}`);
    if (manifest.latentSize !== this.#drawer.latentSize) {
      const found = `latents of ${manifest.latentSize}, the UNet wants ${this.#drawer.latentSize}`;
      throw new AppError('avatar_invalid', `avatar ${id}: ${path} holds ${found}`);
    }
    // An avatar is added again whenever another clip of it comes into memory.
    const files = JSON.stringify(manifest.files);
    const known = this.#faces.get(id);
    if (known && !(known instanceof AppError) && known.files === files) return known;
    const clips = new Map<string, PreparedFace>();
    for (const clip of manifest.clips) clips.set(clip.name, await PreparedFace.read(path, clip, manifest));
    return { files, clips };
  }

  #unusable({ id }: Avatar, error: unknown): AppError {
    const reason = error instanceof AppError ? error : new AppError('avatar_invalid', `avatar ${id}: ${error}`);
    process.emitWarning(
      `${reason.message}; its mouth stays closed. It is prepared when the server starts with this engine.`,
    );
    return reason;
  }
}

function reportOf({ provider, refusals, facts }: OpenedGraphs<DrawingGraph>): EngineReport {
  const models = Object.values(facts).map(({ graph, model, precision, weights }) => {
    return { name: graph, version: model, precision, weights };
  });
  return { provider, refusals, models };
}

/** @throws {AppError} `model_missing`, `model_invalid`, `engine_failed`, see `openGraphs`. */
export async function createEngine(
  settings?: EngineSettings,
  onProgress?: (progress: StartProgress) => void,
): Promise<Engine> {
  const musetalk = musetalkOf(settings);
  return new MuseTalkEngine(await openGraphs(drawingGraphs(musetalk), musetalk, onProgress));
}
