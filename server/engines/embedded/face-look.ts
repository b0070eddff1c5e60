import { type Avatar, type AvatarClip, avatarFrame, FRAME_GEOMETRY, GEOMETRY_SIZE } from '../../avatars/avatar.ts';
import type { Frame } from '../../codecs/frame.ts';

/** Points of {@link FaceLook.lineOffsets}, evenly spaced from the left corner of the mouth to the right one. */
export const LINE_POINTS = 33;

/** What the painter must know of a face beyond its geometry. */
export interface FaceLook {
  /** Mean brightness of the skin around the mouth, 0..1 of white. */
  readonly skin: number;
  /** Mean colour of the lower lip, RGB, each 0..255. */
  readonly lip: readonly [number, number, number];
  /**
   * How far the line between the lips lies below the parabola through corners and line point, in crop pixels; {@link LINE_POINTS}
   * numbers. Landmark detectors see the line within a pixel or two; opened there, a dark seam would stay on one lip.
   */
  readonly lineOffsets: Float32Array;
}

/** Frames of a clip that are looked at; the look of a face does not change within a clip. */
const SAMPLED_FRAMES = 8;
/** The line between the lips is looked for this far above and below the landmarks, in crop pixels. */
const SEARCH_PX = 4;
const STEP_PX = 0.5;
const CANDIDATES = (2 * SEARCH_PX) / STEP_PX + 1;

/** Samples one clip of an avatar. Takes about a millisecond. */
export function lookAt(avatar: Avatar, clip: AvatarClip): FaceLook {
  const geometry = new Float32Array(clip.geometry);
  const darkness = new Float32Array(LINE_POINTS * CANDIDATES);
  const colours = { skin: 0, lipY: 0, lipU: 0, lipV: 0 };
  const count = Math.min(SAMPLED_FRAMES, clip.frameCount);
  for (let n = 0; n < count; n++) {
    const index = Math.floor((n * clip.frameCount) / count);
    const at = geometry.subarray(index * GEOMETRY_SIZE, (index + 1) * GEOMETRY_SIZE);
    const picture = new CropView(avatarFrame(avatar, clip, index), at);
    addDarkness(picture, at, darkness, 1 / count);
    addColours(picture, at, colours, 1 / count);
  }
  return {
    skin: Math.min(1, Math.max(0, (colours.skin - 16) / 219)),
    lip: toRgb(colours.lipY, colours.lipU, colours.lipV),
    lineOffsets: darkestPath(darkness),
  };
}

/** Height of the line between the lips, before {@link FaceLook.lineOffsets}; `t` is -1 at the left corner and 1 at the right. */
export function lineHeight(geometry: Float32Array, t: number): number {
  const left = geometry[FRAME_GEOMETRY.LEFT_V];
  const right = geometry[FRAME_GEOMETRY.RIGHT_V];
  const middle = geometry[FRAME_GEOMETRY.LINE_V];
  return middle + ((right - left) / 2) * t + ((left + right) / 2 - middle) * t * t;
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

function addDarkness(picture: CropView, geometry: Float32Array, darkness: Float32Array, weight: number): void {
  const left = geometry[FRAME_GEOMETRY.LEFT_U];
  const width = geometry[FRAME_GEOMETRY.RIGHT_U] - left;
  for (let i = 0; i < LINE_POINTS; i++) {
    const u = left + (width * i) / (LINE_POINTS - 1);
    const v = lineHeight(geometry, (2 * i) / (LINE_POINTS - 1) - 1);
    for (let k = 0; k < CANDIDATES; k++) {
      const at = v - SEARCH_PX + k * STEP_PX;
      const luma = picture.luma(u - 0.7, at) + picture.luma(u, at) + picture.luma(u + 0.7, at);
      darkness[i * CANDIDATES + k] += (luma / 3) * weight;
    }
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
  const points = 9;
  for (let i = 0; i < points; i++) {
    const lipU = u - 10 + (20 * i) / (points - 1);
    sum.lipY += (picture.luma(lipU, v + 5) * weight) / points;
    sum.lipU += (picture.chroma(lipU, v + 5, 0) * weight) / points;
    sum.lipV += (picture.chroma(lipU, v + 5, 1) * weight) / points;
  }
}

/** The path from corner to corner that is darkest and does not jump (dynamic programming, one step per point). */
function darkestPath(darkness: Float32Array): Float32Array {
  // Levels of brightness that a pixel of distance from the landmarks, and a step to the side, must be worth.
  const awayCost = 1.5;
  const bendCost = 3;
  const cost = new Float32Array(LINE_POINTS * CANDIDATES);
  const from = new Int8Array(LINE_POINTS * CANDIDATES);
  for (let i = 0; i < LINE_POINTS; i++) {
    for (let k = 0; k < CANDIDATES; k++) {
      const away = Math.abs(k * STEP_PX - SEARCH_PX);
      let best = i === 0 ? 0 : Number.POSITIVE_INFINITY;
      for (let step = -1; step <= 1 && i > 0; step++) {
        const before = k + step;
        if (before < 0 || before >= CANDIDATES) continue;
        const through = cost[(i - 1) * CANDIDATES + before] + bendCost * Math.abs(step);
        if (through < best) {
          best = through;
          from[i * CANDIDATES + k] = step;
        }
      }
      cost[i * CANDIDATES + k] = best + darkness[i * CANDIDATES + k] + awayCost * away * away;
    }
  }
  let k = 0;
  for (let other = 1; other < CANDIDATES; other++) {
    if (cost[(LINE_POINTS - 1) * CANDIDATES + other] < cost[(LINE_POINTS - 1) * CANDIDATES + k]) k = other;
  }
  const path = new Float32Array(LINE_POINTS);
  for (let i = LINE_POINTS - 1; i >= 0; i--) {
    path[i] = k * STEP_PX - SEARCH_PX;
    k += from[i * CANDIDATES + k];
  }
  return smoothed(path);
}

function smoothed(path: Float32Array): Float32Array {
  return path.map((_, i) => {
    let sum = 0;
    let weights = 0;
    for (let d = -2; d <= 2; d++) {
      const at = Math.min(Math.max(i + d, 0), LINE_POINTS - 1);
      sum += path[at] * (3 - Math.abs(d));
      weights += 3 - Math.abs(d);
    }
    return sum / weights;
  });
}

/** BT.709 limited range to RGB. */
function toRgb(y: number, u: number, v: number): [number, number, number] {
  const luma = ((y - 16) * 255) / 219;
  const blue = ((u - 128) * 255) / 224;
  const red = ((v - 128) * 255) / 224;
  const limit = (value: number): number => Math.min(255, Math.max(0, value));
  return [limit(luma + 1.5748 * red), limit(luma - 0.1873 * blue - 0.4681 * red), limit(luma + 1.8556 * blue)];
}
