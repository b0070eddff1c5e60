import type { Model } from '../../models/model.ts';
import { type GraphFacts, sizeOf } from '../../models/musetalk-graphs.ts';
import { LABELS_SIZE_PX } from './face-labels.ts';
import { resizeAsOpenCv } from './opencv-resize.ts';
import { resizeAsPillow } from './pillow-resize.ts';
import type { Pixels } from './pixels.ts';
import { LATENT_CHANNELS } from './prepared-face.ts';

/** Of ImageNet's pictures, which the parsing network knows. */
const MEAN = [0.485, 0.456, 0.406] as const;
const DEVIATION = [0.229, 0.224, 0.225] as const;

/** Makes what the UNet sees of a face: latents of the picture with its lower half black, then of the whole one. */
export class FaceEncoder {
  readonly #model: Pick<Model, 'run'>;
  readonly #sizePx: number;
  readonly latentSize: number;

  /** @param model `vae-encoder`. Stays the caller's. @param facts What it says about itself. */
  constructor(model: Pick<Model, 'run'>, facts: GraphFacts) {
    this.#model = model;
    this.#sizePx = sizeOf(facts, 'image');
    this.latentSize = sizeOf(facts, 'latent');
  }

  /**
   * @param faces RGB pictures of boxes, of any size, at least one. They are encoded in one run.
   * @returns For each float32 `[8, latentSize, latentSize]`.
   * @throws {AppError} `engine_failed`.
   */
  async encode(faces: readonly Pixels[]): Promise<Float32Array[]> {
    const planes = 3 * this.#sizePx * this.#sizePx;
    const image = new Float32Array(2 * faces.length * planes);
    for (const [i, face] of faces.entries()) {
      const picture = resizeAsOpenCv(face, this.#sizePx, this.#sizePx, 'lanczos4');
      toPlanes(picture, image.subarray(2 * i * planes, (2 * i + 1) * planes), this.#sizePx / 2);
      toPlanes(picture, image.subarray((2 * i + 1) * planes, (2 * i + 2) * planes), this.#sizePx);
    }
    const half = (LATENT_CHANNELS / 2) * this.latentSize * this.latentSize;
    const latents = new Float32Array(2 * faces.length * half);
    await this.#model.run(
      { image: { data: image, dims: [2 * faces.length, 3, this.#sizePx, this.#sizePx] } },
      { latents: { data: latents, dims: [2 * faces.length, LATENT_CHANNELS / 2, this.latentSize, this.latentSize] } },
    );
    return faces.map((_, i) => latents.slice(2 * i * half, (2 * i + 2) * half));
  }
}

/** Writes RGB bytes as planes of -1..1; rows from `visibleRows` on are black, which is -1. */
function toPlanes({ data, widthPx, heightPx }: Pixels, out: Float32Array, visibleRows: number): void {
  const pixels = widthPx * heightPx;
  out.fill(-1);
  for (let at = 0; at < widthPx * visibleRows; at++) {
    for (let c = 0; c < 3; c++) out[c * pixels + at] = data[at * 3 + c] / 127.5 - 1;
  }
}

/** Tells the parts of a face apart: skin, nose, lips and so on. */
export class FaceParser {
  readonly #model: Pick<Model, 'run'>;
  readonly #sizePx: number;

  /** @param model `face-parsing`. Stays the caller's. @param facts What it says about itself. */
  constructor(model: Pick<Model, 'run'>, facts: GraphFacts) {
    this.#model = model;
    this.#sizePx = sizeOf(facts, 'parsingImage');
  }

  /**
   * @param crop RGB, square, of any size.
   * @returns `512 × 512` labels.
   * @throws {AppError} `engine_failed`.
   */
  async parse(crop: Pixels): Promise<Uint8Array> {
    const side = this.#sizePx;
    const { data } = resizeAsPillow(crop, side, side, 'bilinear');
    const image = new Float32Array(3 * side * side);
    for (let at = 0; at < side * side; at++) {
      for (let c = 0; c < 3; c++) image[c * side * side + at] = (data[at * 3 + c] / 255 - MEAN[c]) / DEVIATION[c];
    }
    const labels = new Uint8Array(side * side);
    await this.#model.run(
      { image: { data: image, dims: [1, 3, side, side] } },
      { labels: { data: labels, dims: [1, side, side] } },
    );
    return side === LABELS_SIZE_PX ? labels : enlarged(labels, side);
  }
}

/** Labels of the size that masks are made in, for networks that work in a smaller one. */
function enlarged(labels: Uint8Array, side: number): Uint8Array {
  return Uint8Array.from({ length: LABELS_SIZE_PX ** 2 }, (_, at) => {
    const x = Math.floor(((at % LABELS_SIZE_PX) * side) / LABELS_SIZE_PX);
    const y = Math.floor((Math.floor(at / LABELS_SIZE_PX) * side) / LABELS_SIZE_PX);
    return labels[y * side + x];
  });
}
