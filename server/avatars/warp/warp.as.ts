// AssemblyScript: moves and paints the pixels of one picture region. Built by scripts/build-warp.ts.
// Knows planes, grids and numbers, no faces. The host (compose.ts) lays out the memory and passes addresses.
//
// "Grid coordinates" count nodes of the flow grid; (gu, gv) of pixel (x, y) is (gu0 + x·gux − y·gvx, gv0 + x·gvx + y·gux),
// because the map between picture and crop is a similarity. Positions of pixels are those of their centres.

/** Fixed point of source positions: 1/256 pixel. */
const FRACTION_BITS: i32 = 8;

/** Turns `count` flow vectors (two f32 each) by the similarity (a, b) from crop to picture. Reads one vector pair beyond an odd end. */
export function turnFlow(flow: usize, count: i32, a: f32, b: f32): void {
  const along = f32x4.splat(a);
  const across = f32x4(-b, b, -b, b);
  const end = flow + ((<usize>count) << 3);
  for (let at = flow; at < end; at += 16) {
    const vectors = v128.load(at);
    const swapped = v128.shuffle<f32>(vectors, vectors, 1, 0, 3, 2);
    v128.store(at, f32x4.add(f32x4.mul(vectors, along), f32x4.mul(swapped, across)));
  }
}

/**
 * Writes the pixels [x0, x1) × [y0, y1) of `planes` planes (1, or 2 that lie `planeStep` bytes apart), each taken from where
 * the flow says. Pixels in cells whose four vectors are zero are left alone.
 *
 * @param flow gridSize² vectors in luma pixels, as turned by `turnFlow`.
 * @param scale Pixels of this plane per luma pixel: 1 or 0.5.
 */
export function warp(
  planes: i32,
  source: usize,
  target: usize,
  planeStep: usize,
  width: i32,
  rows: i32,
  x0: i32,
  x1: i32,
  y0: i32,
  y1: i32,
  flow: usize,
  gridSize: i32,
  scale: f32,
  gu0: f32,
  gv0: f32,
  gux: f32,
  gvx: f32,
): void {
  const lastCell: i32 = gridSize - 2;
  const gridStride = (<usize>gridSize) << 3;
  const toFixed = f32x4.splat(scale * <f32>(1 << FRACTION_BITS));
  const rounding = f32x4.splat(0.5);
  const least = i32x4.splat(0);
  const most = i32x4((width - 1) << FRACTION_BITS, (rows - 1) << FRACTION_BITS, 0, 0);

  for (let y = y0; y < y1; y++) {
    const rowU = gu0 - <f32>y * gvx;
    const rowV = gv0 + <f32>y * gux;
    for (let x = x0; x < x1; x++) {
      const gu = rowU + <f32>x * gux;
      const gv = rowV + <f32>x * gvx;
      if (gu < 0 || gv < 0) continue;
      const i = <i32>gu;
      const j = <i32>gv;
      if (i > lastCell || j > lastCell) continue;
      const node = flow + ((<usize>(j * gridSize + i)) << 3);
      const upper = v128.load(node);
      const lower = v128.load(node + gridStride);
      if (!v128.any_true(v128.or(upper, lower))) continue;

      const side = f32x4.add(upper, f32x4.mul(f32x4.sub(lower, upper), f32x4.splat(gv - <f32>j)));
      const right = v128.shuffle<f32>(side, side, 2, 3, 2, 3);
      const moved = f32x4.add(side, f32x4.mul(f32x4.sub(right, side), f32x4.splat(gu - <f32>i)));
      const fixed = i32x4.trunc_sat_f32x4_s(f32x4.floor(f32x4.add(f32x4.mul(moved, toFixed), rounding)));
      const from = i32x4.add(fixed, i32x4(x << FRACTION_BITS, y << FRACTION_BITS, 0, 0));
      const kept = i32x4.max_s(i32x4.min_s(from, most), least);
      const fx = i32x4.extract_lane(kept, 0);
      const fy = i32x4.extract_lane(kept, 1);

      const offset = <usize>((fy >> FRACTION_BITS) * width + (fx >> FRACTION_BITS));
      const wx = fx & 255;
      const wy = fy & 255;
      const to = target + <usize>(y * width + x);
      store<u8>(to, sample(source + offset, width, wx, wy));
      if (planes === 2) store<u8>(to + planeStep, sample(source + planeStep + offset, width, wx, wy));
    }
  }
}

/** Bilinear mean of the four pixels at and right below `at`; weights in 1/256. Reads up to one row and one pixel further. */
function sample(at: usize, width: i32, wx: i32, wy: i32): u8 {
  const above = <i32>load<u8>(at);
  const below = <i32>load<u8>(at + width);
  const top = (above << 8) + (<i32>load<u8>(at, 1) - above) * wx;
  const bottom = (below << 8) + (<i32>load<u8>(at + width, 1) - below) * wx;
  return <u8>(((top << 8) + (bottom - top) * wy + 32768) >> 16);
}

/**
 * Finds the smallest box of a square RGBA8 picture outside of which everything is transparent, to multiples of four columns.
 *
 * @param box Receives four i32: left, top, right, bottom, the latter two exclusive. All zero if nothing is painted.
 */
export function opaqueBox(rgba: usize, sizePx: i32, box: usize): void {
  const alphas = i32x4.splat(0xff000000);
  const stride = (<usize>sizePx) << 2;
  let left = sizePx;
  let right = 0;
  let top = -1;
  let bottom = 0;
  for (let y = 0; y < sizePx; y++) {
    const row = rgba + <usize>y * stride;
    const end = row + stride;
    let any = i32x4.splat(0);
    for (let at = row; at < end; at += 16) any = v128.or(any, v128.load(at));
    if (!v128.any_true(v128.and(any, alphas))) continue;
    if (top < 0) top = y;
    bottom = y + 1;
    let x = 0;
    while (x < left && !v128.any_true(v128.and(v128.load(row + ((<usize>x) << 2)), alphas))) x += 4;
    if (x < left) left = x;
    x = sizePx;
    while (x > right && !v128.any_true(v128.and(v128.load(row + ((<usize>x) << 2) - 16), alphas))) x -= 4;
    if (x > right) right = x;
  }
  const isEmpty = top < 0;
  store<i32>(box, isEmpty ? 0 : left);
  store<i32>(box, isEmpty ? 0 : top, 4);
  store<i32>(box, right, 8);
  store<i32>(box, bottom, 12);
}

/**
 * Straight RGBA8 to premultiplied f32 (Y·a, U·a, V·a, a), a in 0..1, BT.709 limited range (ITU-R BT.709-6 items 3.2, 3.4).
 * Premultiplied colours may be interpolated: a transparent texel's colour then has no weight.
 *
 * @param rgba First texel of a box of `columns` × `rows` in a picture of `stride` texels a row.
 * @param out The box, packed.
 */
export function convertOverlay(rgba: usize, stride: i32, columns: i32, rows: i32, out: usize): void {
  const toR = f32x4((0.2126 * 219) / 255, ((-0.2126 / 1.8556) * 224) / 255, ((0.7874 / 1.5748) * 224) / 255, 0);
  const toG = f32x4((0.7152 * 219) / 255, ((-0.7152 / 1.8556) * 224) / 255, ((-0.7152 / 1.5748) * 224) / 255, 0);
  const toB = f32x4((0.0722 * 219) / 255, ((0.9278 / 1.8556) * 224) / 255, ((-0.0722 / 1.5748) * 224) / 255, 0);
  const offset = f32x4(16, 128, 128, 1);
  let to = out;
  for (let y = 0; y < rows; y++) {
    const row = rgba + ((<usize>(y * stride)) << 2);
    for (let x = 0; x < columns; x++) {
      const texel = load<u32>(row + ((<usize>x) << 2));
      const alpha = <f32>(texel >> 24) / 255;
      let yuv = f32x4.add(offset, f32x4.mul(toR, f32x4.splat(<f32>(texel & 255))));
      yuv = f32x4.add(yuv, f32x4.mul(toG, f32x4.splat(<f32>((texel >> 8) & 255))));
      yuv = f32x4.add(yuv, f32x4.mul(toB, f32x4.splat(<f32>((texel >> 16) & 255))));
      v128.store(to, f32x4.mul(yuv, f32x4.splat(alpha)));
      to += 16;
    }
  }
}

/**
 * Paints the overlay over the pixels [x0, x1) × [y0, y1) of a plane (of two planes when `planes` is 2).
 *
 * @param overlay Texels from `convertOverlay`: `columns` × `overlayRows`, the part of the overlay that is not transparent.
 *   Whatever lies outside is transparent.
 * @param ou0 Texel coordinates of pixel (0, 0): texel (0, 0)'s centre is (0, 0).
 */
export function paint(
  planes: i32,
  target: usize,
  planeStep: usize,
  width: i32,
  x0: i32,
  x1: i32,
  y0: i32,
  y1: i32,
  overlay: usize,
  columns: i32,
  overlayRows: i32,
  ou0: f32,
  ov0: f32,
  oux: f32,
  ovx: f32,
): void {
  for (let y = y0; y < y1; y++) {
    const rowU = ou0 - <f32>y * ovx;
    const rowV = ov0 + <f32>y * oux;
    for (let x = x0; x < x1; x++) {
      const ou = rowU + <f32>x * oux;
      const ov = rowV + <f32>x * ovx;
      if (!(ou > -1 && ov > -1 && ou < <f32>columns && ov < <f32>overlayRows)) continue;
      const floorU = Mathf.floor(ou);
      const floorV = Mathf.floor(ov);
      const i = <i32>floorU;
      const j = <i32>floorV;
      const wu = f32x4.splat(ou - floorU);
      const upper = mix(texel(overlay, columns, overlayRows, i, j), texel(overlay, columns, overlayRows, i + 1, j), wu);
      const lower = mix(
        texel(overlay, columns, overlayRows, i, j + 1),
        texel(overlay, columns, overlayRows, i + 1, j + 1),
        wu,
      );
      const colour = mix(upper, lower, f32x4.splat(ov - floorV));
      const rest: f32 = <f32>1 - f32x4.extract_lane(colour, 3);
      if (rest >= 1) continue;
      const to = target + <usize>(y * width + x);
      if (planes === 1) {
        store<u8>(to, <u8>(f32x4.extract_lane(colour, 0) + rest * <f32>load<u8>(to) + 0.5));
      } else {
        const second = to + planeStep;
        store<u8>(to, <u8>(f32x4.extract_lane(colour, 1) + rest * <f32>load<u8>(to) + 0.5));
        store<u8>(second, <u8>(f32x4.extract_lane(colour, 2) + rest * <f32>load<u8>(second) + 0.5));
      }
    }
  }
}

function texel(overlay: usize, columns: i32, rows: i32, i: i32, j: i32): v128 {
  if (<u32>i >= <u32>columns || <u32>j >= <u32>rows) return f32x4.splat(0);
  return v128.load(overlay + ((<usize>(j * columns + i)) << 4));
}

function mix(from: v128, to: v128, weight: v128): v128 {
  return f32x4.add(from, f32x4.mul(f32x4.sub(to, from), weight));
}
