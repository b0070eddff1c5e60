import { type CropTransform, FRAME_GEOMETRY as FIELD, GEOMETRY_SIZE } from './avatar.ts';
import type { Place } from './face-shape.ts';
import { smoothLoop } from './loop-smoothing.ts';

/** Where closed lips meet, in crop pixels. */
export interface LipLine {
  readonly left: Place;
  readonly middle: Place;
  readonly right: Place;
}

/** How far above and below the landmarks' line it is looked for, in crop pixels. */
const REACH_PX = 4;
const ROWS_PER_PX = 4;
const ROWS = 2 * REACH_PX * ROWS_PER_PX + 1;
/** The shadow is darker than both lips at this distance, in rows. */
const BESIDE = 1.5 * ROWS_PER_PX;
/** Columns of one crop pixel; the ends of the mouth are known from the landmarks only. */
const END_COLUMNS = 3;
const MIDDLE_COLUMNS = 9;
/** A line this much darker (of 255) than the lips beside it is a line. */
const MIN_DEPTH = 3;
/** Shadow, as a share of the deepest, that makes up for lying a pixel from the landmarks' line (squared), and for a step. */
const DISTANCE_COST = 0.015;
const STEP_COST = 0.06;
/** The line seen in a frame lies as far from the landmarks' as in the others, give or take this many crop pixels. */
const WOBBLE_PX = 1;
const SMOOTHING_FRAMES = 5;

/**
 * Finds the shadow between closed lips near the line that the landmarks gave: the darkest way from corner to corner.
 *
 * @param luma Brightness at a place in crop coordinates, 0..255.
 * @param near The line by the landmarks.
 * @returns The line at the same three columns; null if no such shadow is to be seen.
 */
export function findLipLine(luma: (u: number, v: number) => number, near: LipLine): LipLine | null {
  const columns = Math.round(near.right[0] - near.left[0]);
  if (columns < MIDDLE_COLUMNS + 2 * END_COLUMNS) return null;
  const guess = parabolaThrough(near);
  const rows = Array.from({ length: columns + 1 }, (_, column) => {
    const u = near.left[0] + column;
    const v = guess(u) - REACH_PX;
    const light = Array.from({ length: ROWS + 2 * BESIDE }, (_, row) => luma(u, v + (row - BESIDE) / ROWS_PER_PX));
    return Float32Array.from({ length: ROWS }, (_, row) => shadowAt(light, row + BESIDE));
  });
  const path = deepestPath(rows);
  const depths = rows.map((column, i) => column[path[i]]).sort((a, b) => a - b);
  if (depths[columns >> 1] < MIN_DEPTH) return null;
  const offsets = rows.map((column, i) => deepestNear(column, path[i]) / ROWS_PER_PX - REACH_PX);
  const moved = ([u, v]: Place, width: number): Place => {
    const middle = Math.min(Math.max(Math.round(u - near.left[0]), width >> 1), columns - (width >> 1));
    const around = offsets.slice(middle - (width >> 1), middle + (width >> 1) + 1);
    return [u, v + around.reduce((sum, offset) => sum + offset, 0) / around.length];
  };
  return {
    left: moved(near.left, END_COLUMNS),
    middle: moved(near.middle, MIDDLE_COLUMNS),
    right: moved(near.right, END_COLUMNS),
  };
}

/**
 * Replaces the landmarks' lip line in every frame by the one that is seen, if most frames show one.
 *
 * @param geometry Of one clip, a loop: float32 `frameCount × GEOMETRY_SIZE`; changed in place.
 * @param lumaOf Brightness in crop coordinates of a frame, 0..255.
 */
export function sharpenLipLine(
  geometry: Float32Array,
  lumaOf: (frame: number) => (u: number, v: number) => number,
): void {
  const frameCount = geometry.length / GEOMETRY_SIZE;
  const found = Array.from({ length: frameCount }, (_, frame) => {
    const near = lipLineOf(geometry, frame);
    const line = findLipLine(lumaOf(frame), near);
    return line && [line.left[1] - near.left[1], line.middle[1] - near.middle[1], line.right[1] - near.right[1]];
  });
  const seen = found.filter((offsets) => offsets !== null);
  if (seen.length < frameCount / 2) return;
  const usual = [0, 1, 2].map((i) => median(seen.map((offsets) => offsets[i])));
  const near = (value: number, i: number) => Math.min(Math.max(value, usual[i] - WOBBLE_PX), usual[i] + WOBBLE_PX);
  const steady = found.flatMap((offsets) => offsets?.map(near) ?? usual);
  const offsets = smoothLoop(Float32Array.from(steady), 3, SMOOTHING_FRAMES);
  for (let frame = 0; frame < frameCount; frame++) {
    for (const [i, field] of [FIELD.LEFT_V, FIELD.LINE_V, FIELD.RIGHT_V].entries()) {
      geometry[frame * GEOMETRY_SIZE + field] += offsets[3 * frame + i];
    }
  }
}

/** The landmarks' lip line of a frame. */
function lipLineOf(geometry: Float32Array, frame: number): LipLine {
  const at = (field: number): Place => {
    const offset = frame * GEOMETRY_SIZE + field;
    return [geometry[offset], geometry[offset + 1]];
  };
  return { left: at(FIELD.LEFT_U), middle: at(FIELD.LINE_U), right: at(FIELD.RIGHT_U) };
}

/** Reads the luma plane of a picture in crop coordinates, bilinear; the picture's edge goes on outside it. */
export function cropLuma(
  luma: Uint8Array,
  widthPx: number,
  heightPx: number,
  { a, b, tx, ty }: CropTransform,
): (u: number, v: number) => number {
  return (u, v) => {
    const x = Math.min(Math.max(a * u - b * v + tx - 0.5, 0), widthPx - 1.001);
    const y = Math.min(Math.max(b * u + a * v + ty - 0.5, 0), heightPx - 1.001);
    const [fx, fy] = [x % 1, y % 1];
    const at = (y - fy) * widthPx + (x - fx);
    const upper = luma[at] * (1 - fx) + luma[at + 1] * fx;
    const lower = luma[at + widthPx] * (1 - fx) + luma[at + widthPx + 1] * fx;
    return upper * (1 - fy) + lower * fy;
  };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

/** How much darker a place is than the lips above and below it. */
function shadowAt(light: readonly number[], row: number): number {
  return (light[row - BESIDE] + light[row + BESIDE]) / 2 - light[row];
}

/** Row per column of the way through the columns that is worth most: deep shadow, near the middle row, few steps. */
function deepestPath(columns: readonly Float32Array[]): number[] {
  const deepest = Math.max(1, ...columns.map((column) => Math.max(...column)));
  const worth = (column: Float32Array, row: number) =>
    column[row] / deepest - DISTANCE_COST * (row / ROWS_PER_PX - REACH_PX) ** 2;
  let sums = Array.from({ length: ROWS }, (_, row) => worth(columns[0], row));
  const cameFrom = columns.slice(1).map((column) => {
    const from = sums.map((sum, row) => {
      let best = { row, sum };
      for (const other of [row - 1, row + 1]) {
        const stepped = (sums[other] ?? -Infinity) - STEP_COST;
        if (stepped > best.sum) best = { row: other, sum: stepped };
      }
      return best;
    });
    sums = from.map(({ sum }, row) => sum + worth(column, row));
    return from.map((step) => step.row);
  });
  const path = [sums.indexOf(Math.max(...sums))];
  for (const from of cameFrom.reverse()) path.unshift(from[path[0]]);
  return path;
}

/** Fractional row of the deepest shadow at `row`, by a parabola through its neighbours. */
function deepestNear(column: Float32Array, row: number): number {
  const [before, here, after] = [column[row - 1], column[row], column[row + 1]];
  const bend = 2 * here - before - after;
  return bend > 0 ? row + Math.max(-1, Math.min(1, (after - before) / (2 * bend))) : row;
}

function parabolaThrough({ left, middle, right }: LipLine): (u: number) => number {
  return (u) =>
    [left, middle, right].reduce((sum, [ui, vi], i, all) => {
      const others = all.filter((_, j) => j !== i);
      return sum + others.reduce((product, [uj]) => (product * (u - uj)) / (ui - uj), vi);
    }, 0);
}
