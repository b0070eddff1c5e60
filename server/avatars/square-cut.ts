import { type Frame, frameSizeBytes } from '../codecs/frame.ts';

/** A square part of a picture, in pixels. */
export interface Square {
  readonly x: number;
  readonly y: number;
  readonly sizePx: number;
}

/** A face fills at least this part of the picture's height, from the forehead to the chin. */
const MIN_FACE_SHARE = 0.5;
/** How far down the middle of the face lies. */
const FACE_MIDDLE = 0.5;

/**
 * Chooses the square that an avatar is seen in: all of a square picture, else as much as possible with the face in the
 * middle, and closer if the face is small.
 *
 * @param points (x, y) of all landmarks of all frames, in pixels of the picture.
 */
export function chooseSquare(widthPx: number, heightPx: number, points: Float32Array): Square {
  if (widthPx === heightPx) return { x: 0, y: 0, sizePx: widthPx };
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    left = Math.min(left, points[i]);
    right = Math.max(right, points[i]);
    top = Math.min(top, points[i + 1]);
    bottom = Math.max(bottom, points[i + 1]);
  }
  const sizePx = Math.min(widthPx, heightPx, Math.max(bottom - top, right - left) / MIN_FACE_SHARE);
  const within = (start: number, room: number) => Math.round(Math.min(Math.max(start, 0), room - sizePx));
  return {
    x: within((left + right) / 2 - sizePx / 2, widthPx),
    y: within((top + bottom) / 2 - sizePx * FACE_MIDDLE, heightPx),
    sizePx: Math.floor(sizePx),
  };
}

/** @returns A new frame, `sizePx` square, that shows what lies in the square; the frame itself if that is all of it. */
export function cutSquare(frame: Frame, square: Square, sizePx: number): Frame {
  const { widthPx, heightPx, data } = frame;
  if (square.x === 0 && square.y === 0 && widthPx === sizePx && heightPx === sizePx) return frame;
  const out = new Uint8Array(frameSizeBytes(sizePx, sizePx));
  let from = 0;
  let to = 0;
  for (const scale of [1, 2, 2]) {
    const [width, height, side] = [widthPx / scale, heightPx / scale, sizePx / scale];
    const part = { x: square.x / scale, y: square.y / scale, sizePx: square.sizePx / scale };
    scalePlane(
      data.subarray(from, from + width * height),
      width,
      height,
      part,
      out.subarray(to, to + side * side),
      side,
    );
    from += width * height;
    to += side * side;
  }
  return { widthPx: sizePx, heightPx: sizePx, data: out };
}

/** Each pixel is the mean of enough bilinear samples not to alias. */
function scalePlane(
  plane: Uint8Array,
  width: number,
  height: number,
  { x, y, sizePx }: Square,
  out: Uint8Array,
  side: number,
): void {
  const step = sizePx / side;
  const samples = Math.max(1, Math.round(step));
  const columns = samplesAlong(x, step, side, samples, width);
  const rows = samplesAlong(y, step, side, samples, height);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      let sum = 0;
      for (let j = row * samples; j < (row + 1) * samples; j++) {
        const fy = rows[j] % 1;
        const line = Math.floor(rows[j]) * width;
        for (let i = column * samples; i < (column + 1) * samples; i++) {
          const fx = columns[i] % 1;
          const at = line + Math.floor(columns[i]);
          const upper = plane[at] * (1 - fx) + plane[at + 1] * fx;
          const lower = plane[at + width] * (1 - fx) + plane[at + width + 1] * fx;
          sum += upper * (1 - fy) + lower * fy;
        }
      }
      out[row * side + column] = Math.round(sum / (samples * samples));
    }
  }
}

/** Where the samples of a row or column lie, counted in pixel centres, inside the plane. */
function samplesAlong(start: number, step: number, count: number, samples: number, length: number): Float64Array {
  return Float64Array.from({ length: count * samples }, (_, i) => {
    const at = start + ((i + 0.5) * step) / samples - 0.5;
    return Math.min(Math.max(at, 0), length - 1.001);
  });
}
