import { type Avatar, type AvatarClip, CROP_MOUTH, FRAME_GEOMETRY, GEOMETRY_SIZE } from '../avatars/avatar.ts';
import type { Frame } from '../codecs/frame.ts';
import { encodePng, fromRgb, toRgb } from '../codecs/picture.ts';

const MOST_PICTURES = 24;
const COLUMNS = 4;
/** Side of each of the two squares of a tile: the whole picture, and beside it the mouth. */
const SQUARE_PX = 256;
/** Side of what is shown of the mouth, in pixels of the picture: twice as large on the sheet. */
const MOUTH_PX = SQUARE_PX / 2;

/** A square of a picture, in its pixels. */
interface Square {
  readonly x: number;
  readonly y: number;
  readonly sizePx: number;
}

/**
 * A film at a glance: up to 24 pictures, evenly spread, each with its mouth at twice its size beside it. Memory is that of the
 * sheet, however long the film.
 */
export class ContactSheet {
  readonly #clip: AvatarClip;
  readonly #chosen: ReadonlyMap<number, number>;
  readonly #rgb: Uint8Array;
  readonly #widthPx: number;
  readonly #heightPx: number;

  /** @param frameCount Pictures of the film, at least 1. */
  constructor(avatar: Avatar, frameCount: number) {
    const count = Math.min(frameCount, MOST_PICTURES);
    this.#clip = avatar.clips[0];
    // From the middle of each share, so that neither end is given more weight.
    this.#chosen = new Map(
      Array.from({ length: count }, (_, tile) => [Math.floor(((tile + 0.5) * frameCount) / count), tile]),
    );
    this.#widthPx = Math.min(count, COLUMNS) * 2 * SQUARE_PX;
    this.#heightPx = Math.ceil(count / COLUMNS) * SQUARE_PX;
    this.#rgb = new Uint8Array(this.#widthPx * this.#heightPx * 3);
  }

  /** Takes picture `index` of the film if it belongs on the sheet. Borrowed for the call. */
  add(index: number, frame: Frame): void {
    const tile = this.#chosen.get(index);
    if (tile === undefined) return;
    const x = (tile % COLUMNS) * 2 * SQUARE_PX;
    const y = Math.floor(tile / COLUMNS) * SQUARE_PX;
    const rgb = toRgb(frame);
    this.#paste(rgb, frame, { x: 0, y: 0, sizePx: Math.min(frame.widthPx, frame.heightPx) }, x, y);
    this.#paste(rgb, frame, this.#mouth(index), x + SQUARE_PX, y);
  }

  /** The sheet as a PNG file. */
  png(): Promise<Uint8Array> {
    return encodePng(fromRgb(this.#rgb, this.#widthPx, this.#heightPx));
  }

  /** The clip runs along with the film from its first picture on. */
  #mouth(index: number): Square {
    const first = (index % this.#clip.frameCount) * GEOMETRY_SIZE;
    const geometry = new Float32Array(this.#clip.geometry).subarray(first, first + GEOMETRY_SIZE);
    const { u, v } = CROP_MOUTH;
    const a = geometry[FRAME_GEOMETRY.A];
    const b = geometry[FRAME_GEOMETRY.B];
    return {
      x: Math.round(a * u - b * v + geometry[FRAME_GEOMETRY.TX] - MOUTH_PX / 2),
      y: Math.round(b * u + a * v + geometry[FRAME_GEOMETRY.TY] - MOUTH_PX / 2),
      sizePx: MOUTH_PX,
    };
  }

  /** Scales `from` to a square of the sheet: the mean of the pixels that fall on each of its own. */
  #paste(rgb: Uint8Array, { widthPx, heightPx }: Frame, from: Square, atX: number, atY: number): void {
    const step = from.sizePx / SQUARE_PX;
    const reach = Math.max(1, Math.round(step));
    for (let j = 0; j < SQUARE_PX; j += 1) {
      for (let i = 0; i < SQUARE_PX; i += 1) {
        const to = ((atY + j) * this.#widthPx + atX + i) * 3;
        for (let channel = 0; channel < 3; channel += 1) {
          let sum = 0;
          for (let dy = 0; dy < reach; dy += 1) {
            const y = clamp(Math.floor(from.y + j * step) + dy, heightPx);
            for (let dx = 0; dx < reach; dx += 1) {
              const x = clamp(Math.floor(from.x + i * step) + dx, widthPx);
              sum += rgb[(y * widthPx + x) * 3 + channel];
            }
          }
          this.#rgb[to + channel] = sum / (reach * reach);
        }
      }
    }
  }
}

function clamp(at: number, size: number): number {
  return Math.min(Math.max(at, 0), size - 1);
}
