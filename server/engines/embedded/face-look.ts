import { FRAME_GEOMETRY } from '../../avatars/avatar.ts';
import type { Frame } from '../../codecs/frame.ts';

/** What the painter must know of a face beyond its geometry. */
export interface FaceLook {
  /** Mean brightness of the skin around the mouth, 0..1 of white. */
  readonly skin: number;
  /** Mean colour of the lower lip, RGB, each 0..255. */
  readonly lip: readonly [number, number, number];
}

/** One picture of a face with its mouth closed. */
export interface FacePicture {
  readonly frame: Frame;
  /** See `FRAME_GEOMETRY`. */
  readonly geometry: Float32Array;
}

/** Points that are looked at across the lower lip, and how far below the line between the lips, in crop pixels. */
const LIP_POINTS = 9;
const LIP_HALF_WIDTH = 10;
const LIP_DEPTH = 5;

/** Samples some pictures of one face, at least one. Takes microseconds. */
export function lookAt(pictures: readonly FacePicture[]): FaceLook {
  const sum = { skin: 0, lipY: 0, lipU: 0, lipV: 0 };
  for (const { frame, geometry } of pictures)
    addColours(new CropView(frame, geometry), geometry, sum, 1 / pictures.length);
  return {
    skin: Math.min(1, Math.max(0, (sum.skin - 16) / 219)),
    lip: toRgb(sum.lipY, sum.lipU, sum.lipV),
  };
}

/** Reads a frame by crop coordinates, nearest pixel. */
class CropView {
  readonly #frame: Frame;
  readonly #geometry: Float32Array;

  constructor(frame: Frame, geometry: Float32Array) {
    this.#frame = frame;
    this.#geometry = geometry;
  }

  luma(u: number, v: number): number {
    const { widthPx, data } = this.#frame;
    const { x, y } = this.#locate(u, v);
    return data[y * widthPx + x];
  }

  /** @param plane 0 for U, 1 for V. */
  chroma(u: number, v: number, plane: number): number {
    const { widthPx, heightPx, data } = this.#frame;
    const { x, y } = this.#locate(u, v);
    return data[widthPx * heightPx * (1 + plane / 4) + (y >> 1) * (widthPx / 2) + (x >> 1)];
  }

  #locate(u: number, v: number): { x: number; y: number } {
    const g = this.#geometry;
    const x = Math.floor(g[FRAME_GEOMETRY.A] * u - g[FRAME_GEOMETRY.B] * v + g[FRAME_GEOMETRY.TX]);
    const y = Math.floor(g[FRAME_GEOMETRY.B] * u + g[FRAME_GEOMETRY.A] * v + g[FRAME_GEOMETRY.TY]);
    return {
      x: Math.min(Math.max(x, 0), this.#frame.widthPx - 1),
      y: Math.min(Math.max(y, 0), this.#frame.heightPx - 1),
    };
  }
}

function addColours(
  picture: CropView,
  geometry: Float32Array,
  sum: { skin: number; lipY: number; lipU: number; lipV: number },
  weight: number,
): void {
  const u = geometry[FRAME_GEOMETRY.LINE_U];
  const v = geometry[FRAME_GEOMETRY.LINE_V];
  const chin = geometry[FRAME_GEOMETRY.CHIN_V];
  const spots = [
    [-34, -6],
    [34, -6],
    [-22, 16],
    [22, 16],
    [0, (chin - v) * 0.6],
  ] as const;
  for (const [du, dv] of spots) sum.skin += (picture.luma(u + du, v + dv) * weight) / spots.length;
  for (let i = 0; i < LIP_POINTS; i++) {
    const lipU = u - LIP_HALF_WIDTH + (2 * LIP_HALF_WIDTH * i) / (LIP_POINTS - 1);
    sum.lipY += (picture.luma(lipU, v + LIP_DEPTH) * weight) / LIP_POINTS;
    sum.lipU += (picture.chroma(lipU, v + LIP_DEPTH, 0) * weight) / LIP_POINTS;
    sum.lipV += (picture.chroma(lipU, v + LIP_DEPTH, 1) * weight) / LIP_POINTS;
  }
}

/** BT.709 limited range to RGB. */
function toRgb(y: number, u: number, v: number): [number, number, number] {
  const luma = ((y - 16) * 255) / 219;
  const blue = ((u - 128) * 255) / 224;
  const red = ((v - 128) * 255) / 224;
  const limit = (value: number): number => Math.min(255, Math.max(0, value));
  return [limit(luma + 1.5748 * red), limit(luma - 0.1873 * blue - 0.4681 * red), limit(luma + 1.8556 * blue)];
}
