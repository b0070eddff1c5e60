import { setImmediate as immediate } from 'node:timers/promises';
import type { Avatar } from '../../avatars/avatar.ts';
import { AppError } from '../../errors.ts';
import { type Engine, type EngineSpec, MOUTH_PARAMETERS, type MouthJob, type MouthPatch } from '../engine.ts';
import { unknownAvatar } from '../unknown-avatar.ts';
import { ClosedMouths, RecentClips } from './closed-mouths.ts';
import { MouthDrawer } from './mouth-drawer.ts';
import { OVERLAY_SIZE_PX } from './mouth-inside.ts';
import { PICTURE_NETWORK_FILES, PictureNetwork } from './picture-network.ts';
import { VOICE_NETWORK_FILES, VoiceNetwork } from './voice-network.ts';
import { HISTORY_MS, LOOK_AHEAD_MS, VoiceToMouth } from './voice-to-mouth.ts';

/** Most memory that a thread keeps of faces it looked at: fifty seconds of clips. */
const KEPT_BYTES = 64 * 2 ** 20;

export const modelFiles = [...VOICE_NETWORK_FILES, ...PICTURE_NETWORK_FILES];

export const spec: EngineSpec = {
  id: 'embedded',
  features: { kind: 'log-mel', historyMs: HISTORY_MS, lookAheadMs: LOOK_AHEAD_MS },
  patchSizePx: OVERLAY_SIZE_PX,
  // Each mouth is composed while what drew it is still in the processor's caches.
  maxBatch: 1,
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
  readonly #recent = new RecentClips(KEPT_BYTES);
  readonly #drawer: MouthDrawer;
  readonly #parameters = new Float32Array(MOUTH_PARAMETERS.length);

  /** The networks become the engine's. */
  constructor(voiceNetwork: VoiceNetwork, pictureNetwork: PictureNetwork) {
    this.#voiceNetwork = voiceNetwork;
    this.#pictureNetwork = pictureNetwork;
    this.#drawer = new MouthDrawer(pictureNetwork);
  }

  async addAvatar(avatar: Avatar): Promise<void> {
    this.removeAvatar(avatar.id);
    const clips = avatar.clips.map((clip): [string, ClosedMouths] => [
      clip.name,
      new ClosedMouths(avatar, clip, this.#pictureNetwork),
    ]);
    const known = new Map(clips);
    this.#avatars.set(avatar.id, known);
    // What fails here fails again, and is told, when somebody speaks.
    this.#lookAhead(avatar.id, known).catch(() => {});
  }

  /** Looks at an avatar's frames before anybody speaks, one at a time between jobs, while there is room to keep them. */
  async #lookAhead(avatarId: string, clips: ReadonlyMap<string, ClosedMouths>): Promise<void> {
    for (const clip of clips.values()) {
      for (let frame = 0; frame < clip.frameCount; frame++) {
        await immediate();
        if (this.#avatars.get(avatarId) !== clips || !this.#recent.hasRoom) return;
        await clip.at(frame);
        this.#recent.use(clip);
      }
    }
  }

  removeAvatar(avatarId: string): void {
    for (const clip of this.#avatars.get(avatarId)?.values() ?? []) this.#recent.remove(clip);
    this.#avatars.delete(avatarId);
  }

  async infer(jobs: readonly MouthJob[]): Promise<(MouthPatch | null)[]> {
    if (jobs.length > spec.maxBatch) throw new RangeError(`at most ${spec.maxBatch} jobs, got ${jobs.length}`);
    const [job] = jobs;
    const clip = this.#clip(job);
    const isMoving = await this.#voice(job.sessionId).step(job.features, job.generation, this.#parameters);
    if (!isMoving) return [null];
    const patch = await this.#drawer.draw(this.#parameters, await clip.at(job.clipFrame));
    this.#recent.use(clip);
    return [patch];
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
