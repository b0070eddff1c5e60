import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CROP_SIZE_PX } from '../../avatars/avatar.ts';
import { CROP_PLANE_SIZE, MOUTH_CROP_BYTES } from '../../avatars/mouth-crop.ts';
import { AppError } from '../../errors.ts';
import { type ModelTensor, OnnxModel } from '../../models/onnx-model.ts';
import { MOUTH_PARAMETERS } from '../engine.ts';

const MODELS = join(import.meta.dirname, '../../../models');
const GOLDEN_PATH = join(MODELS, 'mouth-to-picture.golden.json');
/** The same networks for CPUs with fast 8-bit arithmetic, and as they were trained. */
const VARIANTS = [
  {
    name: 'int8',
    look: join(MODELS, 'mouth-to-picture.look.int8.onnx'),
    draw: join(MODELS, 'mouth-to-picture.draw.int8.onnx'),
  },
  {
    name: 'float32',
    look: join(MODELS, 'mouth-to-picture.look.onnx'),
    draw: join(MODELS, 'mouth-to-picture.draw.onnx'),
  },
] as const;
/** What {@link PictureNetwork.open} reads. */
export const PICTURE_NETWORK_FILES: readonly string[] = [
  ...VARIANTS.flatMap(({ look, draw }) => [look, draw]),
  GOLDEN_PATH,
];

/** Nodes per side of the flow that it draws, see `MouthPatch.gridSize`. */
export const FLOW_GRID_SIZE = CROP_SIZE_PX / 2 + 1;
export const FLOW_SIZE = FLOW_GRID_SIZE * FLOW_GRID_SIZE * 2;

export type PictureVariant = (typeof VARIANTS)[number]['name'];

/** The mask that it draws: what is seen between the lips, `CROP_SIZE_PX` squared, 0..255. */
export const MASK_BYTES = CROP_SIZE_PX * CROP_SIZE_PX;

/** What a face is like to the network, whatever the mouth does. Never written after it was made. */
export interface FaceFeatures {
  readonly fine: Uint8Array;
  readonly middle: Uint8Array;
  readonly coarse: Uint8Array;
}

/** Channels, rows and columns of {@link FaceFeatures}. */
const FEATURES = { fine: [32, 32, 32], middle: [64, 16, 16], coarse: [96, 8, 8] } as const;
/** Memory of one frame's {@link FaceFeatures}. */
export const FEATURE_BYTES = Object.values(FEATURES).reduce((sum, dims) => sum + sizeOf(dims), 0);

/** What the network answers for {@link madeUpFace}: every eighth node of the flow, every eighth pixel of the mask. */
export interface PictureGolden {
  readonly flow: readonly number[];
  readonly mask: readonly number[];
}

const GOLDEN_STEP = 8;
/** The golden answers are float32's; int8 differs from them by less than this: crop pixels at most, levels in the mean. */
const FLOW_TOLERANCE_PX = 2.5;
const MASK_TOLERANCE = 4;

/**
 * The trained networks, mouth → picture; see models/mouth-to-picture.md. One looks at a face, once per frame of an avatar's
 * clip; the other draws a mouth on what was seen. One per thread, for all its sessions.
 */
export class PictureNetwork {
  readonly variant: PictureVariant;
  /** Why faster variants are not used, if so. */
  readonly refusals: readonly string[];
  readonly #look: OnnxModel;
  readonly #draw: OnnxModel;

  private constructor(variant: PictureVariant, look: OnnxModel, draw: OnnxModel, refusals: readonly string[]) {
    this.variant = variant;
    this.#look = look;
    this.#draw = draw;
    this.refusals = refusals;
  }

  /**
   * Loads the fastest variant that computes here what was computed where it was trained.
   *
   * @param golden Answers to expect; those beside the network if left out.
   * @throws {AppError} `model_missing` or `engine_failed` if none does.
   */
  static async open(golden?: PictureGolden): Promise<PictureNetwork> {
    const expected = golden ?? (await readGolden());
    const refusals: string[] = [];
    for (const { name, look, draw } of VARIANTS) {
      const network = await PictureNetwork.#load(name, look, draw, refusals);
      const refusal = await network.#compare(expected).catch(async (error: unknown) => {
        await network.close();
        throw error;
      });
      if (refusal === null) return network;
      await network.close();
      refusals.push(`${draw} does not fit ${GOLDEN_PATH}: ${refusal}`);
    }
    throw new AppError('engine_failed', `${refusals.join('; ')}. Restore the files.`);
  }

  static async #load(name: PictureVariant, look: string, draw: string, refusals: string[]): Promise<PictureNetwork> {
    const looking = await OnnxModel.open(look);
    try {
      return new PictureNetwork(name, looking, await OnnxModel.open(draw), refusals);
    } catch (error) {
      await looking.close();
      throw error;
    }
  }

  /**
   * Looks at one face.
   *
   * @param planes The closed mouth, see `cutMouth`. Borrowed until the promise settles, like all arrays here.
   * @throws {AppError} `engine_failed` if the run fails.
   */
  async look(planes: Uint8Array): Promise<FaceFeatures> {
    const features = {
      fine: new Uint8Array(sizeOf(FEATURES.fine)),
      middle: new Uint8Array(sizeOf(FEATURES.middle)),
      coarse: new Uint8Array(sizeOf(FEATURES.coarse)),
    };
    await this.#look.run(
      { planes: { data: planes, dims: [1, 6, CROP_PLANE_SIZE, CROP_PLANE_SIZE] } },
      featureTensors(features),
    );
    return features;
  }

  /**
   * Draws one mouth.
   *
   * @param features The face, as `look` saw it.
   * @param row The `MOUTH_PARAMETERS`, 0..1.
   * @param flow {@link FLOW_SIZE} numbers, written completely, as `MouthPatch.flow`.
   * @param mask {@link MASK_BYTES}, written completely.
   * @throws {AppError} `engine_failed` if the run fails.
   */
  async draw(features: FaceFeatures, row: Float32Array, flow: Float32Array, mask: Uint8Array): Promise<void> {
    await this.#draw.run(
      { ...featureTensors(features), row: { data: row, dims: [1, MOUTH_PARAMETERS.length] } },
      {
        flow: { data: flow, dims: [1, FLOW_GRID_SIZE, FLOW_GRID_SIZE, 2] },
        mask: { data: mask, dims: [1, CROP_SIZE_PX, CROP_SIZE_PX] },
      },
    );
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#look.close();
    await this.#draw.close();
  }

  /** @returns How the answers differ from the expected ones; null if they do not. */
  async #compare(golden: PictureGolden): Promise<string | null> {
    const flow = new Float32Array(FLOW_SIZE);
    const mask = new Uint8Array(MASK_BYTES);
    const { planes, row } = madeUpFace();
    await this.draw(await this.look(planes), row, flow, mask);
    const flowPx = differences(golden.flow, everyEighth(flow, FLOW_GRID_SIZE, 2));
    const levels = differences(golden.mask, everyEighth(mask, CROP_SIZE_PX, 1));
    if (flowPx.most <= FLOW_TOLERANCE_PX && levels.mean <= MASK_TOLERANCE) return null;
    const found = `${flowPx.most.toFixed(2)} px and ${levels.mean.toFixed(1)} levels`;
    return `its flow and mask differ by ${found}, expected at most ${FLOW_TOLERANCE_PX} and ${MASK_TOLERANCE}`;
  }
}

function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

function featureTensors(features: FaceFeatures): Record<keyof FaceFeatures, ModelTensor> {
  const tensor = (name: keyof FaceFeatures): ModelTensor => ({ data: features[name], dims: [1, ...FEATURES[name]] });
  return { fine: tensor('fine'), middle: tensor('middle'), coarse: tensor('coarse') };
}

/** @throws {AppError} `model_missing` */
async function readGolden(): Promise<PictureGolden> {
  const text = await readFile(GOLDEN_PATH, 'utf8').catch((cause: unknown) => {
    throw new AppError('model_missing', `${GOLDEN_PATH} cannot be read; put it there`, { cause });
  });
  return JSON.parse(text) as PictureGolden;
}

function everyEighth(values: ArrayLike<number>, size: number, channels: number): number[] {
  const out: number[] = [];
  for (let y = 0; y < size; y += GOLDEN_STEP) {
    for (let x = 0; x < size; x += GOLDEN_STEP) {
      for (let c = 0; c < channels; c++) out.push(values[(y * size + x) * channels + c]);
    }
  }
  return out;
}

function differences(expected: readonly number[], found: readonly number[]): { most: number; mean: number } {
  // Two lists of other lengths are as different as can be.
  if (expected.length !== found.length) return { most: Number.POSITIVE_INFINITY, mean: Number.POSITIVE_INFINITY };
  const each = expected.map((value, i) => Math.abs(value - found[i]));
  return { most: Math.max(...each), mean: each.reduce((sum, value) => sum + value, 0) / each.length };
}

/** A face that needs no picture; the same as in scripts/train/mouth/export_mouth.py. */
export function madeUpFace(): { planes: Uint8Array; row: Float32Array } {
  const planes = new Uint8Array(MOUTH_CROP_BYTES);
  const planeBytes = CROP_PLANE_SIZE * CROP_PLANE_SIZE;
  const isLip = (x: number, y: number): boolean => ((x - 64) / 27) ** 2 + ((y - 53) / 9) ** 2 < 1;
  const lumaAt = (x: number, y: number): number => {
    if (Math.abs(x - 64) < 25 && Math.abs(y - 52) < 1) return 50;
    return isLip(x, y) ? 105 : 150 - 0.3 * Math.abs(x - 64) - 0.2 * Math.max(y - 100, 0);
  };
  for (let j = 0; j < CROP_PLANE_SIZE; j++) {
    for (let i = 0; i < CROP_PLANE_SIZE; i++) {
      const at = j * CROP_PLANE_SIZE + i;
      for (let k = 0; k < 4; k++) {
        planes[k * planeBytes + at] = Math.round(lumaAt(2 * i + (k % 2) + 0.5, 2 * j + (k >> 1) + 0.5));
      }
      planes[4 * planeBytes + at] = isLip(2 * i + 0.5, 2 * j + 0.5) ? 118 : 112;
      planes[5 * planeBytes + at] = isLip(2 * i + 0.5, 2 * j + 0.5) ? 160 : 148;
    }
  }
  return { planes, row: Float32Array.of(0.5, 0.1, 0.1, 0.2, 0, 0, 0, 0.1) };
}
