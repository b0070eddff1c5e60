import type { Avatar } from '../avatars/avatar.ts';
import type { Engine, EngineSpec, MouthJob, MouthPatch } from './engine.ts';
import { unknownAvatar } from './unknown-avatar.ts';

export const spec: EngineSpec = {
  id: 'static',
  features: { kind: 'none', historyMs: 0, lookAheadMs: 0 },
  patchSizePx: 0,
  maxBatch: 64,
  isStateful: false,
  device: 'cpu',
};

/** The engine that always works: the avatar moves as its clips do and keeps its mouth closed. */
class StaticEngine implements Engine {
  readonly spec = spec;
  readonly #avatars = new Set<string>();

  async addAvatar(avatar: Avatar): Promise<void> {
    this.#avatars.add(avatar.id);
  }

  removeAvatar(avatarId: string): void {
    this.#avatars.delete(avatarId);
  }

  async infer(jobs: readonly MouthJob[]): Promise<(MouthPatch | null)[]> {
    for (const { avatarId } of jobs) if (!this.#avatars.has(avatarId)) throw unknownAvatar(spec.id, avatarId);
    return jobs.map(() => null);
  }

  endSession(): void {}

  async close(): Promise<void> {}
}

export async function createEngine(): Promise<Engine> {
  return new StaticEngine();
}
