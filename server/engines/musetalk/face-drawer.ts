import { type FaceFrame, LATENT_CHANNELS } from '../../avatars/musetalk/prepared-face.ts';
import { AppError } from '../../errors.ts';
import type { Model, ModelTensor } from '../../models/model.ts';
import { type GraphFacts, sizeOf } from '../../models/musetalk-graphs.ts';
import type { BoxPatch, MouthJob } from '../engine.ts';
import { WINDOW_FEATURES } from './feature-windows.ts';
import { type Hearing, HISTORY_MS, LOOK_AHEAD_MS } from './hearing.ts';

/** Channels that the UNet answers. */
const PREDICTED_CHANNELS = LATENT_CHANNELS / 2;
/** Sessions hear anew for every second frame. */
const FRAMES_PER_HEARING = 2;

/** A graph that is ready to run, and what it says about itself. */
export interface Graph {
  readonly model: Pick<Model, 'run'>;
  readonly facts: GraphFacts;
}

/** A mouth to draw, and what it is drawn on. */
export interface FaceToDraw {
  readonly job: MouthJob;
  readonly frame: FaceFrame;
}

export interface DrawerOptions {
  readonly maxBatch: number;
  /**
   * Whether batches are filled up to a power of two: a GPU looks for the best way to compute whenever it sees a new size. A
   * processor would only compute what nobody wants.
   */
  readonly isPadded: boolean;
}

/** Draws faces with the UNet and the decoder, as one graph or as two. */
export class FaceDrawer {
  readonly latentSize: number;
  readonly #sizePx: number;
  readonly #rows: number;
  readonly #width: number;
  readonly #hearing: Hearing;
  readonly #options: DrawerOptions;
  readonly #unet: Graph | null;
  readonly #decoder: Graph;
  readonly #latents: Float32Array;
  readonly #audio: Float32Array;
  readonly #predicted: Float32Array;
  readonly #pictures: Uint8Array;
  readonly #levels: Float32Array;

  /**
   * The graphs and `hearing` stay the caller's.
   *
   * @param unet Null where the decoder has it within (`unet-decoder`).
   * @param hearing Hears what each job's window is.
   */
  constructor(unet: Graph | null, decoder: Graph, hearing: Hearing, options: DrawerOptions) {
    this.#hearing = hearing;
    this.#options = options;
    this.#unet = unet;
    this.#decoder = decoder;
    const { facts } = unet ?? decoder;
    this.latentSize = sizeOf(facts, 'latent');
    this.#sizePx = sizeOf(decoder.facts, 'image');
    this.#width = sizeOf(facts, 'width');
    this.#rows = WINDOW_FEATURES * sizeOf(facts, 'layers');
    const { maxBatch } = options;
    this.#latents = new Float32Array(maxBatch * LATENT_CHANNELS * this.latentSize ** 2);
    this.#audio = new Float32Array(maxBatch * hearing.windowSize);
    this.#predicted = new Float32Array(maxBatch * PREDICTED_CHANNELS * this.latentSize ** 2);
    this.#pictures = new Uint8Array(maxBatch * this.#pictureBytes);
    this.#levels = new Float32Array(maxBatch);
  }

  /**
   * @param faces 1 to `maxBatch`.
   * @returns One patch each, borrowed until the next call.
   * @throws {AppError} `engine_failed` if a graph fails, or answers what is no number.
   */
  async draw(faces: readonly FaceToDraw[]): Promise<BoxPatch[]> {
    const size = LATENT_CHANNELS * this.latentSize ** 2;
    const { windowSize } = this.#hearing;
    for (const [i, { job, frame }] of faces.entries()) {
      await this.#hearing.listen(job, this.#audio.subarray(i * windowSize, (i + 1) * windowSize));
      this.#latents.set(frame.latents, i * size);
    }
    await this.#compute(faces.length);
    const bytes = this.#pictureBytes;
    return faces.map(({ frame }, i) => ({
      kind: 'box',
      sizePx: this.#sizePx,
      picture: this.#pictures.subarray(i * bytes, (i + 1) * bytes),
      box: frame.box,
      mask: frame.mask,
      parameters: null,
    }));
  }

  /** Does what a batch of `count` does, on input that is made up. @throws {AppError} `engine_failed`. */
  async warmUp(count: number): Promise<void> {
    const sound = new Float32Array((HISTORY_MS + 40 + LOOK_AHEAD_MS) * 16).map((_, n) => Math.sin(n / 7) / 3);
    const job = { generation: 0, frame: 0, avatarId: '', clipName: '', clipFrame: 0, features: sound };
    for (let i = 0; i < Math.ceil(count / FRAMES_PER_HEARING); i++) {
      const sessionId = `warm-up ${i}`;
      await this.#hearing.listen({ ...job, sessionId }, this.#audio.subarray(0, this.#hearing.windowSize));
      this.#hearing.forget(sessionId);
    }
    await this.#compute(count);
  }

  get #pictureBytes(): number {
    return this.#sizePx * this.#sizePx * 3;
  }

  async #compute(count: number): Promise<void> {
    const batch = this.#options.isPadded ? Math.min(2 ** Math.ceil(Math.log2(count)), this.#options.maxBatch) : count;
    const latents = this.#floats(this.#latents, [batch, LATENT_CHANNELS, this.latentSize, this.latentSize]);
    const audio = this.#floats(this.#audio, [batch, this.#rows, this.#width]);
    let input: Record<string, ModelTensor> = { latents, audio };
    if (this.#unet) {
      const pred = this.#floats(this.#predicted, [batch, PREDICTED_CHANNELS, this.latentSize, this.latentSize]);
      await this.#unet.model.run(input, { pred });
      input = { latents: pred };
    }
    const dims = [batch, this.#sizePx, this.#sizePx, 3];
    const image = { data: this.#pictures.subarray(0, batch * this.#pictureBytes), dims };
    // Bytes cannot say that they are no numbers; the level of each picture can.
    const isTold = this.#decoder.facts.contains.includes('level');
    const level = this.#floats(this.#levels, [batch]);
    await this.#decoder.model.run(input, isTold ? { image, level } : { image });
    const wrong = isTold ? this.#levels.subarray(0, count).findIndex((each) => !Number.isFinite(each)) : -1;
    if (wrong >= 0) {
      throw new AppError(
        'engine_failed',
        `picture ${wrong} of a batch of ${count} is no number: ${this.#levels[wrong]}`,
      );
    }
  }

  #floats(memory: Float32Array, dims: readonly number[]): ModelTensor {
    return {
      data: memory.subarray(
        0,
        dims.reduce((product, dim) => product * dim, 1),
      ),
      dims,
    };
  }
}
