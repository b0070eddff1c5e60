import type { Frame } from '../codecs/frame.ts';
import { frameSizeBytes } from '../codecs/frame.ts';
import type { PixelBox } from './compose.ts';
import { linearTaps, mixTwoRows, type Taps } from './musetalk/opencv-resize.ts';

/** A drawn face to paste: the part of an engine's `BoxPatch` that is about pixels. */
export interface BoxDrawing {
  readonly sizePx: number;
  readonly picture: Uint8Array;
  readonly box: PixelBox;
  readonly mask: Uint8Array;
}

/**
 * Writes `base` with a drawn face in its box: stretched to the box as OpenCV's INTER_LINEAR does it, then
 * `base + (face − base)·mask/255`. Pixels outside the box, and those whose mask is 0, stay bit for bit what they were.
 *
 * The mixing is done in I420, not in RGB as MuseTalk does: each luma sample by its pixel's mask, each chroma sample by the mean over its four
 * pixels. Where all four have the same mask this is the RGB result up to rounding; nothing is converted there and back.
 *
 * @param out Written completely; same size as `base`, may lie in a `SharedArrayBuffer`. Borrowed for the call.
 * @throws {RangeError} if the box does not lie within the picture, or picture and mask do not have the sizes that are said.
 */
export function pasteBox(out: Frame, base: Frame, drawing: BoxDrawing): void {
  checkSizes(out, base, drawing);
  out.data.set(base.data);
  const { mask, box } = drawing;
  const width = box.right - box.left;
  const rows = usedRows(mask, width);
  if (!rows) return;
  const face = stretch(drawing, rows);
  const { widthPx, heightPx } = base;
  const lumaBytes = widthPx * heightPx;
  const chromaWidth = widthPx / 2;
  // What the face adds to each chroma sample, times 4·255, over the samples that the used rows touch.
  const left = box.left >> 1;
  const columns = ((box.right + 1) >> 1) - left;
  const top = (box.top + rows.from) >> 1;
  const chromaRows = ((box.top + rows.to + 1) >> 1) - top;
  const added = new Float32Array(2 * columns * chromaRows);
  for (let y = rows.from; y < rows.to; y++) {
    const pictureRow = (box.top + y) * widthPx + box.left;
    const chromaRow = (box.top + y) >> 1;
    for (let x = 0; x < width; x++) {
      const weight = mask[y * width + x];
      if (weight === 0) continue;
      const at = ((y - rows.from) * width + x) * 3;
      const blue = face[at];
      const green = face[at + 1];
      const red = face[at + 2];
      // BT.709: brightness 0..255, then limited range.
      const bright = 0.0722 * blue + 0.7152 * green + 0.2126 * red;
      const before = base.data[pictureRow + x];
      out.data[pictureRow + x] = before + ((16 + bright * (219 / 255) - before) * weight) / 255 + 0.5;
      const column = (box.left + x) >> 1;
      const chromaAt = lumaBytes + chromaRow * chromaWidth + column;
      const sample = 2 * ((chromaRow - top) * columns + column - left);
      const u = 128 + (blue - bright) * (224 / 255 / 1.8556);
      const v = 128 + (red - bright) * (224 / 255 / 1.5748);
      added[sample] += (u - base.data[chromaAt]) * weight;
      added[sample + 1] += (v - base.data[chromaAt + lumaBytes / 4]) * weight;
    }
  }
  for (let row = 0; row < chromaRows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = lumaBytes + (top + row) * chromaWidth + left + column;
      const sample = 2 * (row * columns + column);
      out.data[at] = base.data[at] + added[sample] / 1020 + 0.5;
      out.data[at + lumaBytes / 4] = base.data[at + lumaBytes / 4] + added[sample + 1] / 1020 + 0.5;
    }
  }
}

/** Rows [from, to) of the box whose mask is not all 0. */
function usedRows(mask: Uint8Array, width: number): { from: number; to: number } | null {
  const first = mask.findIndex((weight) => weight > 0);
  if (first < 0) return null;
  const last = mask.findLastIndex((weight) => weight > 0);
  return { from: Math.floor(first / width), to: Math.floor(last / width) + 1 };
}

/** Some rows of the picture stretched to the box, BGR8: as `resizeAsOpenCv`, without what nobody sees. */
function stretch({ picture, sizePx, box }: BoxDrawing, rows: { from: number; to: number }): Uint8ClampedArray {
  const [width, height] = [box.right - box.left, box.bottom - box.top];
  const across = linearTaps(sizePx, width);
  const down: Taps = linearTaps(sizePx, height);
  const firstRow = down.places[2 * rows.from];
  const endRow = down.places[2 * rows.to - 1] + 1;
  const wide = new Int32Array(sizePx * width * 3);
  for (let y = firstRow; y < endRow; y++) {
    for (let x = 0, at = y * width * 3; x < width; x++, at += 3) {
      const a = (y * sizePx + across.places[2 * x]) * 3;
      const b = (y * sizePx + across.places[2 * x + 1]) * 3;
      const first = across.weights[2 * x];
      const second = across.weights[2 * x + 1];
      wide[at] = picture[a] * first + picture[b] * second;
      wide[at + 1] = picture[a + 1] * first + picture[b + 1] * second;
      wide[at + 2] = picture[a + 2] * first + picture[b + 2] * second;
    }
  }
  const out = new Uint8ClampedArray((rows.to - rows.from) * width * 3);
  for (let y = rows.from; y < rows.to; y++) {
    const at = (y - rows.from) * width * 3;
    mixTwoRows(wide, down, y, out.subarray(at, at + width * 3));
  }
  return out;
}

function checkSizes(out: Frame, base: Frame, { sizePx, picture, box, mask }: BoxDrawing): void {
  const sizeBytes = frameSizeBytes(base.widthPx, base.heightPx);
  if (base.data.length !== sizeBytes || out.data.length !== sizeBytes) {
    const found = `base ${base.data.length}, out ${out.data.length}`;
    throw new RangeError(`a ${base.widthPx}x${base.heightPx} picture has ${sizeBytes} bytes; got ${found}`);
  }
  const { left, top, right, bottom } = box;
  if (!(left >= 0 && top >= 0 && right > left && bottom > top && right <= base.widthPx && bottom <= base.heightPx)) {
    throw new RangeError(`the box must lie within ${base.widthPx}x${base.heightPx}, got ${JSON.stringify(box)}`);
  }
  if (picture.length !== sizePx * sizePx * 3 || mask.length !== (right - left) * (bottom - top)) {
    const wanted = `${sizePx * sizePx * 3} and ${(right - left) * (bottom - top)}`;
    throw new RangeError(`face and mask must have ${wanted} bytes, got ${picture.length} and ${mask.length}`);
  }
}
