import { type Avatar, GEOMETRY_SIZE } from '../../avatars/avatar.ts';
import { AppError } from '../../errors.ts';
import { type Engine, type EngineSpec, MOUTH_PARAMETERS, type MouthJob, type MouthPatch } from '../engine.ts';
import { unknownAvatar } from '../unknown-avatar.ts';
import { type FaceLook, lookAt } from './face-look.ts';
import { OVERLAY_SIZE_PX } from './mouth-inside.ts';
import { MouthDrawer } from './mouth-to-picture.ts';
import { VOICE_NETWORK_FILES, VoiceNetwork } from './voice-network.ts';
import { HISTORY_MS, LOOK_AHEAD_MS, VoiceToMouth } from './voice-to-mouth.ts';

export const modelFiles = VOICE_NETWORK_FILES;

export const spec: EngineSpec = {
  id: 'embedded',
  features: { kind: 'log-mel', historyMs: HISTORY_MS, lookAheadMs: LOOK_AHEAD_MS },
  patchSizePx: OVERLAY_SIZE_PX,
  maxBatch: 8,
  isStateful: true,
  device: 'cpu',
};

interface Clip {
  readonly frameCount: number;
  /** `frameCount` × `GEOMETRY_SIZE`, shared and never written. */
  readonly geometry: Float32Array;
  readonly look: FaceLook;
}

/** The default engine: hears what the mouth does, then moves the avatar's own pixels and paints the mouth's inside. */
class EmbeddedEngine implements Engine {
  readonly spec = spec;
  readonly #network: VoiceNetwork;
  readonly #avatars = new Map<string, ReadonlyMap<string, Clip>>();
  readonly #voices = new Map<string, VoiceToMouth>();
  /** One per job of a batch, since patches live until the next call. */
  readonly #drawers = Array.from({ length: spec.maxBatch }, () => ({
    drawer: new MouthDrawer(),
    parameters: new Float32Array(MOUTH_PARAMETERS.length),
  }));

  /** @param network Becomes the engine's. */
  constructor(network: VoiceNetwork) {
    this.#network = network;
  }

  async addAvatar(avatar: Avatar): Promise<void> {
    const clips = avatar.clips.map((clip): [string, Clip] => [
      clip.name,
      { frameCount: clip.frameCount, geometry: new Float32Array(clip.geometry), look: lookAt(avatar, clip) },
    ]);
    this.#avatars.set(avatar.id, new Map(clips));
  }

  async infer(jobs: readonly MouthJob[]): Promise<(MouthPatch | null)[]> {
    if (jobs.length > spec.maxBatch) throw new RangeError(`at most ${spec.maxBatch} jobs, got ${jobs.length}`);
    const clips = jobs.map((job) => this.#clip(job));
    const patches: (MouthPatch | null)[] = [];
    for (const [at, job] of jobs.entries()) {
      const { drawer, parameters } = this.#drawers[at];
      const isMoving = await this.#voice(job.sessionId).step(job.features, job.generation, parameters);
      const { frameCount, geometry, look } = clips[at];
      const first = (job.clipFrame % frameCount) * GEOMETRY_SIZE;
      const place = geometry.subarray(first, first + GEOMETRY_SIZE);
      patches.push(isMoving ? drawer.draw(parameters, place, look) : null);
    }
    return patches;
  }

  endSession(sessionId: string): void {
    this.#voices.delete(sessionId);
  }

  async close(): Promise<void> {
    this.#voices.clear();
    this.#avatars.clear();
    await this.#network.close();
  }

  #clip({ avatarId, clipName }: MouthJob): Clip {
    const clips = this.#avatars.get(avatarId);
    if (!clips) throw unknownAvatar(spec.id, avatarId);
    const clip = clips.get(clipName);
    if (!clip) throw new AppError('clip_not_found', `avatar ${avatarId} has no clip ${clipName}`);
    return clip;
  }

  #voice(sessionId: string): VoiceToMouth {
    const known = this.#voices.get(sessionId);
    if (known) return known;
    const voice = new VoiceToMouth(this.#network);
    this.#voices.set(sessionId, voice);
    return voice;
  }
}

/** @throws {AppError} `model_missing` or `engine_failed` if the voice network is not there or not what it should be. */
export async function createEngine(): Promise<Engine> {
  return new EmbeddedEngine(await VoiceNetwork.open());
}
