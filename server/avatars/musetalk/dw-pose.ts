import type { Model } from '../../models/model.ts';
import type { Landmarks68 } from './landmarks-68.ts';
import type { Pixels } from './pixels.ts';

/** What the network sees, in pixels. */
const INPUT = { widthPx: 288, heightPx: 384 } as const;
/** Places that it tells apart in each pixel of that. */
const SPLIT = 2;
/** How much more than the picture is shown to it. */
const PADDING = 1.25;
/** Points of a whole body; those of the face come one after the other. */
const POINTS = 133;
const FACE_FROM = 23;
const FACE_POINTS = 68;
const [SPOTS_X, SPOTS_Y] = [INPUT.widthPx * SPLIT, INPUT.heightPx * SPLIT];
const MEAN = [123.675, 116.28, 103.53] as const;
const DEVIATION = [58.395, 57.12, 57.375] as const;

/** Where each of the 68 points is in a mirrored face. */
const MIRRORED: readonly number[] = [
  ...range(16, 0),
  ...range(26, 17),
  ...range(27, 30),
  ...range(35, 31),
  ...[45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40],
  ...range(54, 48),
  ...range(59, 55),
  ...range(64, 60),
  ...range(67, 65),
];

/**
 * Finds the 68 points of a face as MuseTalk itself does: with DWPose (RTMPose, whole body, 384 × 288), which looks at the whole picture, and at the
 * mirrored picture too.
 */
export class DwPose {
  readonly #model: Pick<Model, 'run'>;
  readonly #inputName: string;
  readonly #image = new Float32Array(3 * INPUT.widthPx * INPUT.heightPx);
  readonly #x = new Float32Array(POINTS * SPOTS_X);
  readonly #y = new Float32Array(POINTS * SPOTS_Y);

  /** @param model Stays the caller's. @param inputName What its one input is called. */
  constructor(model: Pick<Model, 'run'>, inputName: string) {
    this.#model = model;
    this.#inputName = inputName;
  }

  /**
   * @param picture RGB.
   * @returns Points in pixels of the picture, cut off to whole ones. There are always 68: whether there is a face must be known.
   * @throws {AppError} `engine_failed`.
   */
  async find(picture: Pixels): Promise<Landmarks68> {
    const x = new Float32Array(FACE_POINTS * SPOTS_X);
    const y = new Float32Array(FACE_POINTS * SPOTS_Y);
    for (const isMirrored of [false, true]) {
      await this.#look(picture, isMirrored);
      for (let point = 0; point < FACE_POINTS; point++) {
        const seen = FACE_FROM + (isMirrored ? MIRRORED[point] : point);
        for (let spot = 0; spot < SPOTS_X; spot++) {
          const from = isMirrored ? SPOTS_X - 1 - spot : spot;
          x[point * SPOTS_X + spot] += this.#x[seen * SPOTS_X + from];
        }
        for (let spot = 0; spot < SPOTS_Y; spot++) y[point * SPOTS_Y + spot] += this.#y[seen * SPOTS_Y + spot];
      }
    }
    const { scale, left, top } = placement(picture);
    return Int32Array.from({ length: 2 * FACE_POINTS }, (_, i) => {
      const point = i >> 1;
      if (i % 2 === 0) return left + (best(x, point * SPOTS_X, SPOTS_X) / SPLIT) * scale;
      return top + (best(y, point * SPOTS_Y, SPOTS_Y) / SPLIT) * scale;
    });
  }

  async #look(picture: Pixels, isMirrored: boolean): Promise<void> {
    fillInput(picture, isMirrored, this.#image);
    await this.#model.run(
      { [this.#inputName]: { data: this.#image, dims: [1, 3, INPUT.heightPx, INPUT.widthPx] } },
      {
        simcc_x: { data: this.#x, dims: [1, POINTS, SPOTS_X] },
        simcc_y: { data: this.#y, dims: [1, POINTS, SPOTS_Y] },
      },
    );
  }
}

/** Pixels of the picture that one of the input stands for, and where the input's upper left corner lies in the picture. */
function placement({ widthPx, heightPx }: Pixels): { scale: number; left: number; top: number } {
  const aspect = INPUT.widthPx / INPUT.heightPx;
  const width = Math.max(widthPx * PADDING, heightPx * PADDING * aspect);
  const scale = width / INPUT.widthPx;
  return { scale, left: widthPx / 2 - width / 2, top: heightPx / 2 - width / aspect / 2 };
}

/** Shows the whole picture with black around it; bilinear, normalised, three planes. */
function fillInput(picture: Pixels, isMirrored: boolean, out: Float32Array): void {
  const { widthPx, heightPx } = INPUT;
  const { scale, left, top } = placement(picture);
  const pixels = widthPx * heightPx;
  for (let y = 0, at = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++, at++) {
      const column = isMirrored ? widthPx - 1 - x : x;
      for (let c = 0; c < 3; c++) {
        out[c * pixels + at] = (sample(picture, left + column * scale, top + y * scale, c) - MEAN[c]) / DEVIATION[c];
      }
    }
  }
}

function sample({ data, widthPx, heightPx }: Pixels, x: number, y: number, channel: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const at = (column: number, row: number): number =>
    column >= 0 && column < widthPx && row >= 0 && row < heightPx ? data[(row * widthPx + column) * 3 + channel] : 0;
  const [across, down] = [x - left, y - top];
  const upper = at(left, top) * (1 - across) + at(left + 1, top) * across;
  const lower = at(left, top + 1) * (1 - across) + at(left + 1, top + 1) * across;
  return upper * (1 - down) + lower * down;
}

/** Which of `count` numbers is the largest. */
function best(values: Float32Array, from: number, count: number): number {
  let at = 0;
  for (let i = 1; i < count; i++) if (values[from + i] > values[from + at]) at = i;
  return at;
}

/** Whole numbers from one to another, both included, up or down. */
function range(from: number, to: number): number[] {
  const step = Math.sign(to - from);
  return Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => from + step * i);
}
