import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MEL_BINS } from '../../audio/log-mel.ts';
import { AppError } from '../../errors.ts';
import { OnnxModel } from '../../models/onnx-model.ts';
import { MOUTH_PARAMETERS } from '../engine.ts';

const MODELS = join(import.meta.dirname, '../../../models');
/** The same network with 8-bit weights, which is faster, and as it was trained. */
const VARIANTS = [join(MODELS, 'voice-to-mouth.int8.onnx'), join(MODELS, 'voice-to-mouth.onnx')];
const GOLDEN_PATH = join(MODELS, 'voice-to-mouth.golden.json');
/** What {@link VoiceNetwork.open} reads. */
export const VOICE_NETWORK_FILES: readonly string[] = [...VARIANTS, GOLDEN_PATH];

/** Rows of log-mel that one step hears: 40 ms. */
export const STEP_ROWS = 4;
/** The network answers for the frame that ended this long before the sound that it hears. */
export const NETWORK_DELAY_MS = 80;
/** Numbers that the network remembers of one voice, all 0 at the start: first how it sounds, then what it said. */
export const STATE_SIZE = 594;
/** Of those, the ones about level and colour of voice, microphone and room. */
export const STATE_SOUND_SIZE = 82;

/** 8 bits and kernels of other processors round otherwise, but not by more. */
const GOLDEN_TOLERANCE = 0.01;

/** The trained network, voice → mouth; see models/voice-to-mouth.md. One per thread, for all its sessions. */
export class VoiceNetwork {
  readonly #model: OnnxModel;

  private constructor(model: OnnxModel) {
    this.#model = model;
  }

  /**
   * Loads the fastest variant that computes here what was computed where it was trained.
   *
   * @param golden Answers to expect, one row per step; those beside the network if left out.
   * @throws {AppError} `model_missing` or `engine_failed` if none does.
   */
  static async open(golden?: readonly (readonly number[])[]): Promise<VoiceNetwork> {
    const expected = golden ?? (await readGolden());
    const refusals: string[] = [];
    for (const path of VARIANTS) {
      const network = new VoiceNetwork(await OnnxModel.open(path));
      const difference = await network.#differenceFrom(expected).catch(async (error: unknown) => {
        await network.close();
        throw error;
      });
      if (difference <= GOLDEN_TOLERANCE) return network;
      await network.close();
      const found = `its answers differ by ${difference.toFixed(3)}, expected at most ${GOLDEN_TOLERANCE}`;
      refusals.push(`${path} does not fit ${GOLDEN_PATH}: ${found}`);
    }
    throw new AppError('engine_failed', `${refusals.join('; ')}. Restore the files.`);
  }

  /**
   * Hears the next 40 ms of one voice.
   *
   * @param mel Row-major `[4, 80]`. Borrowed until the promise settles.
   * @param state {@link STATE_SIZE} numbers, changed in place.
   * @param mouth The `MOUTH_PARAMETERS`, 0..1, of the frame that ended {@link NETWORK_DELAY_MS} before.
   * @throws {AppError} `engine_failed` if the run fails; `state` is then as before.
   */
  async step(mel: Float32Array, state: Float32Array, mouth: Float32Array): Promise<void> {
    const next = new Float32Array(STATE_SIZE);
    await this.#model.run(
      { mel: { data: mel, dims: [STEP_ROWS, MEL_BINS] }, state: { data: state, dims: [1, STATE_SIZE] } },
      { mouth: { data: mouth, dims: [1, MOUTH_PARAMETERS.length] }, next: { data: next, dims: [1, STATE_SIZE] } },
    );
    state.set(next);
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#model.close();
  }

  async #differenceFrom(golden: readonly (readonly number[])[]): Promise<number> {
    const state = new Float32Array(STATE_SIZE);
    const mouth = new Float32Array(MOUTH_PARAMETERS.length);
    let difference = 0;
    for (const [step, expected] of golden.entries()) {
      await this.step(goldenRows(step), state, mouth);
      for (const [p, value] of expected.entries()) difference = Math.max(difference, Math.abs(value - mouth[p]));
    }
    return difference;
  }
}

/** @throws {AppError} `model_missing` or `engine_failed` */
async function readGolden(): Promise<number[][]> {
  const text = await readFile(GOLDEN_PATH, 'utf8').catch((cause: unknown) => {
    throw new AppError('model_missing', `${GOLDEN_PATH} cannot be read; put it there`, { cause });
  });
  const { mouth } = JSON.parse(text) as { mouth: number[][] };
  return mouth;
}

/** The same rows as in scripts/train/voice/export_voice.py. */
function goldenRows(step: number): Float32Array {
  return Float32Array.from({ length: STEP_ROWS * MEL_BINS }, (_, i) => {
    const row = STEP_ROWS * step + Math.floor(i / MEL_BINS);
    return -4 + 2 * Math.sin(0.7 * row + 0.31 * (i % MEL_BINS));
  });
}
