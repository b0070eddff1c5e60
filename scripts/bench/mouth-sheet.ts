import { CROP_SIZE_PX } from '../../server/avatars/avatar.ts';
import { CROP_PLANE_SIZE } from '../../server/avatars/mouth-crop.ts';
import { type Frame, frameSizeBytes } from '../../server/codecs/frame.ts';

const PLANE = CROP_PLANE_SIZE * CROP_PLANE_SIZE;

/** Mouths side by side, for people to look at: per face the closed one, then pairs of the true and the drawn one. */
export class MouthSheet {
  readonly #picture: Frame;

  constructor(faces: number, mouths: number) {
    const [widthPx, heightPx] = [(1 + 2 * mouths) * CROP_SIZE_PX, faces * CROP_SIZE_PX];
    this.#picture = { widthPx, heightPx, data: new Uint8Array(frameSizeBytes(widthPx, heightPx)).fill(128) };
  }

  /** @param closed A mouth crop, see `cutMouth`; like all here borrowed for the call. */
  addFace(row: number, closed: Uint8Array): void {
    this.#paste(row, 0, closed);
  }

  addMouth(row: number, column: number, truth: Uint8Array, drawn: Uint8Array): void {
    this.#paste(row, 1 + 2 * column, truth);
    this.#paste(row, 2 + 2 * column, drawn);
  }

  picture(): Frame {
    return this.#picture;
  }

  #paste(row: number, column: number, planes: Uint8Array): void {
    const { widthPx, heightPx, data } = this.#picture;
    const [half, side] = [widthPx / 2, CROP_PLANE_SIZE];
    for (let j = 0; j < side; j++) {
      for (let i = 0; i < side; i++) {
        const [x, y, at] = [column * side + i, row * side + j, j * side + i];
        for (let k = 0; k < 4; k++) data[(2 * y + (k >> 1)) * widthPx + 2 * x + (k % 2)] = planes[k * PLANE + at];
        for (let k = 0; k < 2; k++) {
          data[widthPx * heightPx + k * half * (heightPx / 2) + y * half + x] = planes[(4 + k) * PLANE + at];
        }
      }
    }
  }
}
