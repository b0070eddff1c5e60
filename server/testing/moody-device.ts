import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import type { Engine, EngineSpec, WarpPatch } from '../engines/engine.ts';
import { AppError } from '../errors.ts';

/** What {@link createEngine}'s device does until it is told otherwise. `gone`: its thread dies, and no other one can start. */
export const DEVICE_MOODS = ['well', 'stalled', 'gone', 'out_of_memory', 'nan'] as const;
export type DeviceMood = (typeof DEVICE_MOODS)[number];

/**
 * Time for each mouth, ms, over the 4 that a batch takes. It comes with the module's URL, `moody-device.ts?mouthMs=24`, because
 * every thread loads the module anew.
 */
const MOUTH_MS = Number(new URL(import.meta.url).searchParams.get('mouthMs') ?? 1);
const batchMs = (count: number): number => 4 + MOUTH_MS * count;
/** A test that forgets its stalled device does not hang for ever. */
const LONGEST_STALL_MS = 30_000;
const KEY = 'moody-device';
const MOOD = 0;
const TROUBLED = 1;
const PAUSE = 2;

export const spec: EngineSpec = {
  id: 'moody-device',
  features: { kind: 'log-mel', historyMs: 0, lookAheadMs: 0 },
  patchSizePx: 4,
  maxBatch: 8,
  isStateful: false,
  device: 'gpu',
  computeBudgetMs: 100,
};

/** Tells the devices of this process's threads how to be. To be made before their scheduler is opened. */
export class DeviceControl {
  readonly #words = new Int32Array(new SharedArrayBuffer(12));

  constructor() {
    setEnvironmentData(KEY, this.#words.buffer);
  }

  set mood(mood: DeviceMood) {
    Atomics.store(this.#words, TROUBLED, 0);
    Atomics.store(this.#words, MOOD, DEVICE_MOODS.indexOf(mood));
    Atomics.notify(this.#words, MOOD);
  }

  /** Whether a batch has met the mood: trouble begins with the first that does. */
  get isTroubled(): boolean {
    return Atomics.load(this.#words, TROUBLED) === 1;
  }
}

/** An engine with a device that is shared by all sessions, and that fails when a test wants it to. It paints the crop white. */
export async function createEngine(): Promise<Engine> {
  const words = new Int32Array(getEnvironmentData(KEY) as SharedArrayBuffer);
  const mood = (): DeviceMood => DEVICE_MOODS[Atomics.load(words, MOOD)];
  if (mood() === 'gone') throw new AppError('engine_failed', 'there is no device');
  const work = (count: number): void => void Atomics.wait(words, PAUSE, 0, batchMs(count));
  const patch: WarpPatch = {
    kind: 'warp',
    gridSize: 2,
    flow: null,
    sizePx: 4,
    overlay: new Uint8Array(4 * 4 * 4).fill(255),
    parameters: null,
  };
  const meetMood = (): void => {
    if (mood() === 'well') return;
    Atomics.store(words, TROUBLED, 1);
    if (mood() === 'stalled') Atomics.wait(words, MOOD, DEVICE_MOODS.indexOf('stalled'), LONGEST_STALL_MS);
    if (mood() === 'gone') process.exit(3);
    if (mood() === 'out_of_memory') throw new AppError('engine_failed', 'CUDA failure 2: out of memory');
  };
  return {
    spec,
    addAvatar: async () => {},
    removeAvatar: () => {},
    warmUp: async (count) => work(count),
    infer: async (jobs) => {
      meetMood();
      work(jobs.length);
      const flow = mood() === 'nan' ? new Float32Array(8).fill(Number.NaN) : null;
      return jobs.map(() => ({ ...patch, flow }));
    },
    endSession: () => {},
    close: async () => {},
  };
}
