import { MEL_BINS } from '../audio/log-mel.ts';
import type { Engine, EngineSpec, MouthJob, MouthPatch } from '../engines/engine.ts';

/** Row of a frame's own four that is looked at: its 25 ms lie wholly inside the frame's 40 ms. */
const LOOKED_AT_ROW = 2;
/** log10 power that a bin has from a tone of about -32 dB of full scale on. */
const LOUD = -1;
/** The smallest overlay that the composer takes. */
const SIZE_PX = 4;
const DEFAULT_LOOK_AHEAD_MS = 100;

/** The look-ahead comes with the module's URL, `flash-engine.ts?lookAheadMs=60`, because every thread loads the module anew. */
export const spec: EngineSpec = {
  id: 'flash',
  features: { kind: 'log-mel', historyMs: 0, lookAheadMs: lookAheadMs() },
  patchSizePx: SIZE_PX,
  maxBatch: 16,
  isStateful: false,
  device: 'cpu',
};

/** An engine that shows what it hears: the whole crop is white in frames with sound, and the avatar's own in all others. */
export async function createEngine(): Promise<Engine> {
  const flash: MouthPatch = {
    kind: 'warp',
    gridSize: 2,
    flow: null,
    sizePx: SIZE_PX,
    overlay: new Uint8Array(SIZE_PX * SIZE_PX * 4).fill(255),
    parameters: null,
  };
  return {
    spec,
    addAvatar: async () => {},
    removeAvatar: () => {},
    infer: async (jobs) => jobs.map((job) => (isLoud(job) ? flash : null)),
    endSession: () => {},
    close: async () => {},
  };
}

function isLoud({ features }: MouthJob): boolean {
  const row = features.subarray(LOOKED_AT_ROW * MEL_BINS, (LOOKED_AT_ROW + 1) * MEL_BINS);
  return row.some((logPower) => logPower > LOUD);
}

function lookAheadMs(): number {
  const given = new URL(import.meta.url).searchParams.get('lookAheadMs');
  return given === null ? DEFAULT_LOOK_AHEAD_MS : Number(given);
}
