import type { Avatar } from '../../avatars/avatar.ts';
import { AppError } from '../../errors.ts';
import { type Engine, type EngineSpec, MOUTH_PARAMETERS, type MouthJob, type MouthPatch } from '../engine.ts';
import { unknownAvatar } from '../unknown-avatar.ts';
import { ClosedMouths, MouthDrawer } from './mouth-drawer.ts';
import { OVERLAY_SIZE_PX } from './mouth-inside.ts';
import { PICTURE_NETWORK_FILES, PictureNetwork } from './picture-network.ts';
import { VOICE_NETWORK_FILES, VoiceNetwork } from './voice-network.ts';
import { HISTORY_MS, LOOK_AHEAD_MS, VoiceToMouth } from './voice-to-mouth.ts';

export const modelFiles = [...VOICE_NETWORK_FILES, ...PICTURE_NETWORK_FILES];

export const spec: EngineSpec = {
  id: 'embedded',
  features: { kind: 'log-mel', historyMs: HISTORY_MS, lookAheadMs: LOOK_AHEAD_MS },
  patchSizePx: OVERLAY_SIZE_PX,
  maxBatch: 8,
  isStateful: true,
  device: 'cpu',
};

/** The default engine: one network hears what the mouth does, another moves the avatar's own pixels and paints the mouth's inside. */
class EmbeddedEngine implements Engine {
  readonly spec = spec;
  readonly #voiceNetwork: VoiceNetwork;
  readonly #pictureNetwork: PictureNetwork;
  readonly #avatars = new Map<string, ReadonlyMap<string, ClosedMouths>>();
  readonly #voices = new Map<string, VoiceToMouth>();
  /** One per job of a batch, since patches live until the next call. */
  readonly #drawers: readonly { readonly drawer: MouthDrawer; readonly parameters: Float32Array }[];

  /** The networks become the engine's. */
  constructor(voiceNetwork: VoiceNetwork, pictureNetwork: PictureNetwork) {
    this.#voiceNetwork = voiceNetwork;
    this.#pictureNetwork = pictureNetwork;
    this.#drawers = Array.from({ length: spec.maxBatch }, () => ({
      drawer: new MouthDrawer(pictureNetwork),
      parameters: new Float32Array(MOUTH_PARAMETERS.length),
    }));
  }

  async addAvatar(avatar: Avatar): Promise<void> {
    const clips = avatar.clips.map((clip): [string, ClosedMouths] => [clip.name, new ClosedMouths(avatar, clip)]);
    this.#avatars.set(avatar.id, new Map(clips));
  }

  async infer(jobs: readonly MouthJob[]): Promise<(MouthPatch | null)[]> {
    if (jobs.length > spec.maxBatch) throw new RangeError(`at most ${spec.maxBatch} jobs, got ${jobs.length}`);
    const clips = jobs.map((job) => this.#clip(job));
    const patches: (MouthPatch | null)[] = [];
    for (const [at, job] of jobs.entries()) {
      const { drawer, parameters } = this.#drawers[at];
      const isMoving = await this.#voice(job.sessionId).step(job.features, job.generation, parameters);
      patches.push(isMoving ? await drawer.draw(parameters, clips[at].at(job.clipFrame)) : null);
    }
    return patches;
  }

  endSession(sessionId: string): void {
    this.#voices.delete(sessionId);
  }

  async close(): Promise<void> {
    this.#voices.clear();
    this.#avatars.clear();
    await this.#voiceNetwork.close();
    await this.#pictureNetwork.close();
  }

  #clip({ avatarId, clipName }: MouthJob): ClosedMouths {
    const clips = this.#avatars.get(avatarId);
    if (!clips) throw unknownAvatar(spec.id, avatarId);
    const clip = clips.get(clipName);
    if (!clip) throw new AppError('clip_not_found', `avatar ${avatarId} has no clip ${clipName}`);
    return clip;
  }

  #voice(sessionId: string): VoiceToMouth {
    const known = this.#voices.get(sessionId);
    if (known) return known;
    const voice = new VoiceToMouth(this.#voiceNetwork);
    this.#voices.set(sessionId, voice);
    return voice;
  }
}

/** @throws {AppError} `model_missing` or `engine_failed` if a network is not there or not what it should be. */
export async function createEngine(): Promise<Engine> {
  const voice = await VoiceNetwork.open();
  try {
    return new EmbeddedEngine(voice, await PictureNetwork.open());
  } catch (error) {
    await voice.close();
    throw error;
  }
}
