import type { Frame } from '../codecs/frame.ts';
import { frameSizeBytes } from '../codecs/frame.ts';
import { CROP_SIZE_PX, FRAME_GEOMETRY, GEOMETRY_SIZE } from './avatar.ts';
import { loadWarpKernel, type WarpKernel } from './warp/warp.ts';

/** A mouth to draw, in crop coordinates: the part of an engine's `MouthPatch` that is about pixels. */
export interface MouthDrawing {
  readonly gridSize: number;
  readonly flow: Float32Array | null;
  readonly sizePx: number;
  readonly overlay: Uint8Array | null;
  readonly painted?: PixelBox;
}

/** Columns [left, right) and rows [top, bottom) of an overlay. */
export interface PixelBox {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Pixels [x0, x1) × [y0, y1) of a picture. */
interface Box {
  readonly x0: number;
  readonly x1: number;
  readonly y0: number;
  readonly y1: number;
}

const BYTES_PER_VECTOR = 8;
const BYTES_PER_CUT = 16;
const BYTES_PER_TEXEL = 4;
const BYTES_PER_CONVERTED_TEXEL = 16;
const PAGE_BYTES = 65_536;

/**
 * Draws mouths into pictures. Works in I420, so that what an engine does not touch stays bit for bit what it was.
 *
 * Positions are continuous: pixel (x, y) covers [x, x+1) × [y, y+1), texel and crop pixel likewise; a chroma sample stands for the middle
 * of its four luma pixels. (H.264 puts it half a luma pixel further left unless told otherwise; on a mouth nobody sees that.)
 *
 * One per thread: it holds a WebAssembly memory that grows to what the largest picture needs and is freed with the object.
 */
export class Composer {
  readonly #kernel: WarpKernel = loadWarpKernel();
  #bytes = new Uint8Array(0);

  /**
   * Writes `base` with the mouth drawn in.
   *
   * @param out Written completely; same size as `base`, may lie in a `SharedArrayBuffer`. Borrowed for the call.
   * @param geometry {@link GEOMETRY_SIZE} numbers of the base frame, see `FRAME_GEOMETRY`.
   * @param drawing Null draws nothing.
   * @throws {RangeError} if sizes do not fit together.
   */
  compose(out: Frame, base: Frame, geometry: Float32Array, drawing: MouthDrawing | null): void {
    checkSizes(out, base, geometry, drawing);
    out.data.set(base.data);
    if (drawing === null) return;
    const { flow, overlay, gridSize, sizePx, painted } = drawing;
    const a = geometry[FRAME_GEOMETRY.A];
    const b = geometry[FRAME_GEOMETRY.B];
    const tx = geometry[FRAME_GEOMETRY.TX];
    const ty = geometry[FRAME_GEOMETRY.TY];

    const flowAt = 16;
    const cutsAt = align(flowAt + (gridSize * gridSize + 1) * BYTES_PER_VECTOR);
    const overlayAt = cutsAt + gridSize * BYTES_PER_CUT;
    const convertedAt = align(overlayAt + (overlay?.byteLength ?? 0));
    this.#reserve(convertedAt);
    let texels: Box = { x0: 0, x1: 0, y0: 0, y1: 0 };
    if (overlay && painted) {
      const { left, right, top, bottom } = painted;
      const rowBytes = sizePx * BYTES_PER_TEXEL;
      this.#bytes.set(overlay.subarray(top * rowBytes, bottom * rowBytes), overlayAt + top * rowBytes);
      if (right > left && bottom > top) texels = { x0: left, x1: right, y0: top, y1: bottom };
    } else if (overlay) {
      this.#bytes.set(overlay, overlayAt);
      this.#kernel.opaqueBox(overlayAt, sizePx, 0);
      const [x0, y0, x1, y1] = new Int32Array(this.#bytes.buffer, 0, 4);
      texels = { x0, x1, y0, y1 };
    }
    const moved = flow ? movingCells(flow, gridSize) : null;
    const texelPx = CROP_SIZE_PX / sizePx;
    const cellPx = CROP_SIZE_PX / (gridSize - 1);
    const warpBox = moved && toPicture(scaleBox(moved.cells, cellPx, 0), a, b, tx, ty, base);
    const paintBox = toPicture(scaleBox(texels, texelPx, 1), a, b, tx, ty, base);
    const box = union(warpBox, texels.x1 > 0 ? paintBox : null);
    if (!box) return;

    // Whole rows are copied, since one long copy is cheaper than many short ones; further ones where the flow reaches.
    const reachPx = moved ? Math.ceil(moved.reachPx * Math.hypot(a, b)) + 1 : 0;
    const firstRow = Math.max(0, box.y0 - reachPx) & ~1;
    const lastRow = Math.min(base.heightPx, (box.y1 + reachPx + 1) & ~1);
    const rows = lastRow - firstRow;
    const lumaBytes = base.widthPx * rows;
    const regionBytes = (lumaBytes * 3) / 2;
    // With the transparent border that the kernel adds.
    const converted = (texels.x1 - texels.x0 + 2) * (texels.y1 - texels.y0 + 2);
    const sourceAt = align(convertedAt + converted * BYTES_PER_CONVERTED_TEXEL);
    // The sampler reads, with weight zero, up to a row and a pixel beyond the last one.
    const targetAt = align(sourceAt + regionBytes + base.widthPx + 16);
    this.#reserve(targetAt + regionBytes);
    const region = { base, firstRow, rows };
    this.#load(region, sourceAt);
    this.#bytes.copyWithin(targetAt, sourceAt, sourceAt + regionBytes);

    const luma = { planes: 1, width: base.widthPx, rows, step: 0, scale: 1, offset: 0, firstRow };
    const chroma = {
      planes: 2,
      width: base.widthPx / 2,
      rows: rows / 2,
      step: lumaBytes / 4,
      scale: 0.5,
      offset: lumaBytes,
      firstRow: firstRow / 2,
    };
    if (flow && warpBox) {
      new Float32Array(this.#bytes.buffer, flowAt, flow.length).set(flow);
      this.#kernel.turnFlow(flowAt, gridSize * gridSize, a, b);
    }
    if (overlay && texels.x1 > 0) {
      const first = overlayAt + (texels.y0 * sizePx + texels.x0) * BYTES_PER_TEXEL;
      this.#kernel.convertOverlay(first, sizePx, texels.x1 - texels.x0, texels.y1 - texels.y0, convertedAt);
    }
    for (const plane of [luma, chroma]) {
      const target = targetAt + plane.offset;
      if (warpBox) {
        const at = inverse(a, b, tx, ty, plane, 1 / cellPx);
        const { x0, x1, y0, y1 } = planeBox(warpBox, plane);
        this.#kernel.warp(
          ...([plane.planes, sourceAt + plane.offset, target, plane.step, plane.width, plane.rows] as const),
          ...([x0, x1, y0, y1, flowAt, gridSize, cutsAt, plane.scale, at.u0, at.v0, at.ux, at.vx] as const),
        );
      }
      if (texels.x1 > 0) {
        const at = inverse(a, b, tx, ty, plane, 1 / texelPx);
        const { x0, x1, y0, y1 } = planeBox(paintBox, plane);
        this.#kernel.paint(
          ...([plane.planes, target, plane.step, plane.width, x0, x1, y0, y1] as const),
          ...([convertedAt, texels.x1 - texels.x0, texels.y1 - texels.y0] as const),
          ...([at.u0 - texels.x0 - 0.5, at.v0 - texels.y0 - 0.5, at.ux, at.vx] as const),
        );
      }
    }
    this.#store(region, targetAt, out);
  }

  #load(region: Region, address: number): void {
    let at = address;
    for (const [start, end] of planeRanges(region)) {
      this.#bytes.set(region.base.data.subarray(start, end), at);
      at += end - start;
    }
  }

  #store(region: Region, address: number, out: Frame): void {
    let at = address;
    for (const [start, end] of planeRanges(region)) {
      out.data.set(this.#bytes.subarray(at, at + end - start), start);
      at += end - start;
    }
  }

  #reserve(sizeBytes: number): void {
    const missing = sizeBytes - this.#kernel.memory.buffer.byteLength;
    if (missing > 0) this.#kernel.memory.grow(Math.ceil(missing / PAGE_BYTES));
    // Growing detaches the old view.
    if (this.#bytes.length !== this.#kernel.memory.buffer.byteLength) {
      this.#bytes = new Uint8Array(this.#kernel.memory.buffer);
    }
  }
}

interface Region {
  readonly base: Frame;
  /** Even. */
  readonly firstRow: number;
  /** Even. */
  readonly rows: number;
}

interface Plane {
  readonly planes: number;
  readonly width: number;
  readonly rows: number;
  readonly step: number;
  readonly scale: number;
  readonly offset: number;
  readonly firstRow: number;
}

/** Byte ranges of a region's rows in Y, U and V. */
function planeRanges({ base, firstRow, rows }: Region): [number, number][] {
  const luma = base.widthPx * base.heightPx;
  const quarter = (base.widthPx / 2) * (firstRow / 2);
  const quarterEnd = quarter + (base.widthPx / 2) * (rows / 2);
  return [
    [base.widthPx * firstRow, base.widthPx * (firstRow + rows)],
    [luma + quarter, luma + quarterEnd],
    [luma * 1.25 + quarter, luma * 1.25 + quarterEnd],
  ];
}

/** From pixels of a plane (index of its centre, rows counted from the region's first) to crop coordinates times `unit`. */
function inverse(a: number, b: number, tx: number, ty: number, plane: Plane, unit: number) {
  const lumaPx = 1 / plane.scale;
  const perArea = unit / (a * a + b * b);
  const x = 0.5 * lumaPx - tx;
  const y = (plane.firstRow + 0.5) * lumaPx - ty;
  return {
    u0: (a * x + b * y) * perArea,
    v0: (a * y - b * x) * perArea,
    ux: a * lumaPx * perArea,
    vx: -b * lumaPx * perArea,
  };
}

/** A box of the picture in pixels of a plane, rows counted from the region's first. */
function planeBox(box: Box, plane: Plane): Box {
  return {
    x0: Math.floor(box.x0 * plane.scale),
    x1: Math.ceil(box.x1 * plane.scale),
    y0: Math.floor(box.y0 * plane.scale) - plane.firstRow,
    y1: Math.ceil(box.y1 * plane.scale) - plane.firstRow,
  };
}

/** Cells of the grid that hold a vector which is not zero, and the longest vector's length in crop pixels. */
function movingCells(flow: Float32Array, gridSize: number): { cells: Box; reachPx: number } | null {
  let left = gridSize;
  let right = -1;
  let top = gridSize;
  let bottom = -1;
  let longest = 0;
  for (let j = 0, at = 0; j < gridSize; j++) {
    for (let i = 0; i < gridSize; i++, at += 2) {
      const length = flow[at] * flow[at] + flow[at + 1] * flow[at + 1];
      if (length === 0) continue;
      if (i < left) left = i;
      if (i > right) right = i;
      if (j < top) top = j;
      bottom = j;
      if (length > longest) longest = length;
    }
  }
  if (bottom < 0) return null;
  const cells = { x0: left - 1, x1: right + 1, y0: top - 1, y1: bottom + 1 };
  return { cells, reachPx: Math.sqrt(longest) };
}

function scaleBox(box: Box, unit: number, margin: number): Box {
  return {
    x0: (box.x0 - margin) * unit,
    x1: (box.x1 + margin) * unit,
    y0: (box.y0 - margin) * unit,
    y1: (box.y1 + margin) * unit,
  };
}

/** Pixels of the picture that a box of the crop covers, at least in part. May be empty (x1 ≤ x0 or y1 ≤ y0). */
function toPicture(box: Box, a: number, b: number, tx: number, ty: number, frame: Frame): Box {
  const xs = [box.x0, box.x1].flatMap((u) => [box.y0, box.y1].map((v) => a * u - b * v + tx));
  const ys = [box.x0, box.x1].flatMap((u) => [box.y0, box.y1].map((v) => b * u + a * v + ty));
  return {
    x0: Math.max(0, Math.floor(Math.min(...xs))),
    x1: Math.min(frame.widthPx, Math.ceil(Math.max(...xs))),
    y0: Math.max(0, Math.floor(Math.min(...ys))),
    y1: Math.min(frame.heightPx, Math.ceil(Math.max(...ys))),
  };
}

function union(first: Box | null, second: Box | null): Box | null {
  const boxes = [first, second].filter((box): box is Box => box !== null && box.x1 > box.x0 && box.y1 > box.y0);
  if (boxes.length === 0) return null;
  return {
    x0: Math.min(...boxes.map((box) => box.x0)),
    x1: Math.max(...boxes.map((box) => box.x1)),
    y0: Math.min(...boxes.map((box) => box.y0)),
    y1: Math.max(...boxes.map((box) => box.y1)),
  };
}

function align(address: number): number {
  return (address + 15) & ~15;
}

function checkSizes(out: Frame, base: Frame, geometry: Float32Array, drawing: MouthDrawing | null): void {
  const sizeBytes = frameSizeBytes(base.widthPx, base.heightPx);
  if (base.data.length !== sizeBytes || out.data.length !== sizeBytes) {
    throw new RangeError(
      `a ${base.widthPx}x${base.heightPx} picture has ${sizeBytes} bytes; got base ${base.data.length}, out ${out.data.length}`,
    );
  }
  if (geometry.length !== GEOMETRY_SIZE) {
    throw new RangeError(`geometry must have ${GEOMETRY_SIZE} numbers, got ${geometry.length}`);
  }
  if (!(geometry[FRAME_GEOMETRY.A] > 0)) {
    throw new RangeError(`the crop must not be turned by 90 degrees or more, got A = ${geometry[FRAME_GEOMETRY.A]}`);
  }
  if (!drawing) return;
  const { flow, gridSize, overlay, sizePx, painted } = drawing;
  if (flow && flow.length !== gridSize * gridSize * 2) {
    throw new RangeError(
      `flow must have ${gridSize * gridSize * 2} numbers (gridSize ${gridSize}), got ${flow.length}`,
    );
  }
  if (overlay && (overlay.length !== sizePx * sizePx * BYTES_PER_TEXEL || sizePx % 4 !== 0)) {
    throw new RangeError(
      `overlay must be ${sizePx} squared times 4 bytes, ${sizePx} a multiple of 4, got ${overlay.length}`,
    );
  }
  if (painted && !(painted.left >= 0 && painted.right <= sizePx && painted.top >= 0 && painted.bottom <= sizePx)) {
    throw new RangeError(`what is painted must lie within ${sizePx} squared, got ${JSON.stringify(painted)}`);
  }
}
