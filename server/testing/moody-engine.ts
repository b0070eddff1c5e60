import type { Engine, EngineSpec, MouthPatch } from '../engines/engine.ts';
import { AppError } from '../errors.ts';

/** What the first feature of a job makes {@link createEngine}'s engine do. */
export const MOOD = { draw: 0, closed: 1, fail: 2, die: 3, stall: 4 } as const;

/** How long a stalled engine blocks its thread. */
export const STALL_MS = 400;

export const spec: EngineSpec = {
  id: 'moody',
  features: { kind: 'log-mel', historyMs: 0, lookAheadMs: 0 },
  patchSizePx: 4,
  maxBatch: 4,
  isStateful: true,
  device: 'cpu',
};

/** An engine whose failures tests ask for. What it draws covers the whole crop in white. */
export async function createEngine(): Promise<Engine> {
  const patch: MouthPatch = {
    kind: 'warp',
    gridSize: 2,
    flow: null,
    sizePx: 4,
    overlay: new Uint8Array(4 * 4 * 4).fill(255),
    parameters: Float32Array.of(1, 0, 0, 0, 0, 0, 0, 0),
  };
  return {
    spec,
    addAvatar: async () => {},
    removeAvatar: () => {},
    infer: async (jobs) =>
      jobs.map(({ features: [mood] }) => {
        if (mood === MOOD.fail) throw new AppError('engine_failed', 'asked to fail');
        if (mood === MOOD.die) process.exit(3);
        if (mood === MOOD.stall) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALL_MS);
        return mood === MOOD.closed ? null : patch;
      }),
    endSession: () => {},
    close: async () => {},
  };
}
