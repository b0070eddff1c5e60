// AssemblyScript: moves and paints the pixels of one picture region. Built by scripts/build-warp.ts.
// Knows planes, grids and numbers, no faces. The host (compose.ts) lays out the memory and passes addresses.
//
// "Grid coordinates" count nodes of the flow grid; (gu, gv) of pixel (x, y) is (gu0 + x·gux − y·gvx, gv0 + x·gvx + y·gux),
// because the map between picture and crop is a similarity. Positions of pixels are those of their centres.

/** Fixed point of source positions: 1/65536 pixel; weights are its upper eight bits. */
const FRACTION_BITS: i32 = 16;

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
 * the flow says. Where a row of pixels crosses the grid's columns the flow is exact, in between it is linear (so exact everywhere
 * if the crop is not turned). What lies left and right of all movement in a row is left alone.
 *
 * @param flow gridSize² vectors in luma pixels, as turned by `turnFlow`.
 * @param cuts Memory for gridSize times 16 bytes.
 * @param scale Pixels of this plane per luma pixel: 1 or 0.5.
 * @param gux More than 0.
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
  cuts: usize,
  scale: f32,
  gu0: f32,
  gv0: f32,
  gux: f32,
  gvx: f32,
): void {
  const perColumn: f32 = <f32>1 / gux;
  const gridStride = (<usize>gridSize) << 3;
  const toFixed = f32x4.splat(scale * <f32>(1 << FRACTION_BITS));
  for (let y = y0; y < y1; y++) {
    const rowU = gu0 - <f32>y * gvx;
    const rowV = gv0 + <f32>y * gux;
    const firstColumn = max(0, <i32>Mathf.floor(rowU + <f32>x0 * gux));
    const lastColumn = min(gridSize - 1, <i32>Mathf.ceil(rowU + <f32>(x1 - 1) * gux));
    let firstMoving = lastColumn;
    let lastMoving = -1;
    for (let i = firstColumn; i <= lastColumn; i++) {
      const gv = rowV + (<f32>i - rowU) * perColumn * gvx;
      let vector = f32x4.splat(0);
      if (gv >= 0 && gv < <f32>(gridSize - 1)) {
        const j = <i32>gv;
        const node = flow + ((<usize>(j * gridSize + i)) << 3);
        const upper = v128.load64_zero(node);
        const lower = v128.load64_zero(node + gridStride);
        vector = f32x4.add(upper, f32x4.mul(f32x4.sub(lower, upper), f32x4.splat(gv - <f32>j)));
        vector = f32x4.mul(vector, toFixed);
      }
      const cut = cuts + ((<usize>i) << 4);
      v128.store64_lane(cut, vector, 0);
      if (i > firstColumn) v128.store64_lane(cut - 8, f32x4.sub(vector, v128.load64_zero(cut - 16)), 0);
      if (v128.any_true(vector)) {
        if (lastMoving < 0) firstMoving = i;
        lastMoving = i;
      }
    }
    if (lastMoving < 0) continue;
    firstMoving = max(firstColumn, firstMoving - 1);
    lastMoving = min(lastColumn, lastMoving + 1);
    const from = max(x0, <i32>Mathf.ceil((<f32>firstMoving - rowU) * perColumn));
    const end = min(x1, <i32>Mathf.ceil((<f32>lastMoving - rowU) * perColumn));
    const to = target + <usize>(y * width);
    sampleRow(planes, source, to, planeStep, width, rows, y, from, end, cuts, firstMoving, lastMoving - 1, rowU, gux);
  }
}

/** Writes the pixels [from, end) of a row, eight at a time; the last eight may be fewer. */
function sampleRow(
  planes: i32,
  source: usize,
  row: usize,
  planeStep: usize,
  width: i32,
  rows: i32,
  y: i32,
  from: i32,
  end: i32,
  cuts: usize,
  firstCut: i32,
  lastCut: i32,
  rowU: f32,
  gux: f32,
): void {
  const least = i32x4.splat(0);
  const mostX = i32x4.splat((width - 1) << FRACTION_BITS);
  const mostY = i32x4.splat((rows - 1) << FRACTION_BITS);
  const stride = i32x4.splat(width);
  const byte = i32x4.splat(255);
  const first = i32x4.splat(firstCut);
  const last = i32x4.splat(lastCut);
  // Half a weight's step is added for rounding.
  const ownY = i32x4.splat((y << FRACTION_BITS) + 128);
  const four = f32x4.splat(gux * 4);
  let ownX = i32x4.add(i32x4.shl(i32x4(from, from + 1, from + 2, from + 3), FRACTION_BITS), i32x4.splat(128));
  const fourX = i32x4.splat(4 << FRACTION_BITS);
  for (let x = from; x < end; x += 8) {
    const start = rowU + <f32>x * gux;
    let gu = f32x4(start, start + gux, start + gux * 2, start + gux * 3);
    let column = i32x4.min_s(i32x4.max_s(i32x4.trunc_sat_f32x4_s(gu), first), last);
    let part = f32x4.sub(gu, f32x4.convert_i32x4_s(column));
    let c0 = v128.load(cuts + ((<usize>i32x4.extract_lane(column, 0)) << 4));
    let c1 = v128.load(cuts + ((<usize>i32x4.extract_lane(column, 1)) << 4));
    let c2 = v128.load(cuts + ((<usize>i32x4.extract_lane(column, 2)) << 4));
    let c3 = v128.load(cuts + ((<usize>i32x4.extract_lane(column, 3)) << 4));
    const xa = i32x4.min_s(i32x4.max_s(i32x4.add(ownX, moveX(c0, c1, c2, c3, part)), least), mostX);
    const ya = i32x4.min_s(i32x4.max_s(i32x4.add(ownY, moveY(c0, c1, c2, c3, part)), least), mostY);
    ownX = i32x4.add(ownX, fourX);

    gu = f32x4.add(gu, four);
    column = i32x4.min_s(i32x4.max_s(i32x4.trunc_sat_f32x4_s(gu), first), last);
    part = f32x4.sub(gu, f32x4.convert_i32x4_s(column));
    c0 = v128.load(cuts + ((<usize>i32x4.extract_lane(column, 0)) << 4));
    c1 = v128.load(cuts + ((<usize>i32x4.extract_lane(column, 1)) << 4));
    c2 = v128.load(cuts + ((<usize>i32x4.extract_lane(column, 2)) << 4));
    c3 = v128.load(cuts + ((<usize>i32x4.extract_lane(column, 3)) << 4));
    const xb = i32x4.min_s(i32x4.max_s(i32x4.add(ownX, moveX(c0, c1, c2, c3, part)), least), mostX);
    const yb = i32x4.min_s(i32x4.max_s(i32x4.add(ownY, moveY(c0, c1, c2, c3, part)), least), mostY);
    ownX = i32x4.add(ownX, fourX);

    const offsetsA = i32x4.add(i32x4.mul(i32x4.shr_s(ya, FRACTION_BITS), stride), i32x4.shr_s(xa, FRACTION_BITS));
    const offsetsB = i32x4.add(i32x4.mul(i32x4.shr_s(yb, FRACTION_BITS), stride), i32x4.shr_s(xb, FRACTION_BITS));
    const wx = i16x8.narrow_i32x4_u(v128.and(i32x4.shr_s(xa, 8), byte), v128.and(i32x4.shr_s(xb, 8), byte));
    const wy = i16x8.narrow_i32x4_u(v128.and(i32x4.shr_s(ya, 8), byte), v128.and(i32x4.shr_s(yb, 8), byte));
    const count = end - x;
    put(row + <usize>x, count, sample(source, width, offsetsA, offsetsB, wx, wy));
    if (planes === 2) {
      put(row + planeStep + <usize>x, count, sample(source + planeStep, width, offsetsA, offsetsB, wx, wy));
    }
  }
}

/** Horizontal moves of four pixels, fixed point; each cut holds vector (lanes 0, 1) and its change to the next cut (2, 3). */
function moveX(c0: v128, c1: v128, c2: v128, c3: v128, part: v128): v128 {
  const low = v128.shuffle<f32>(c0, c1, 0, 4, 2, 6);
  const high = v128.shuffle<f32>(c2, c3, 0, 4, 2, 6);
  const vector = v128.shuffle<f32>(low, high, 0, 1, 4, 5);
  const change = v128.shuffle<f32>(low, high, 2, 3, 6, 7);
  return i32x4.trunc_sat_f32x4_s(f32x4.floor(f32x4.add(vector, f32x4.mul(change, part))));
}

/** Vertical moves; see `moveX`. */
function moveY(c0: v128, c1: v128, c2: v128, c3: v128, part: v128): v128 {
  const low = v128.shuffle<f32>(c0, c1, 1, 5, 3, 7);
  const high = v128.shuffle<f32>(c2, c3, 1, 5, 3, 7);
  const vector = v128.shuffle<f32>(low, high, 0, 1, 4, 5);
  const change = v128.shuffle<f32>(low, high, 2, 3, 6, 7);
  return i32x4.trunc_sat_f32x4_s(f32x4.floor(f32x4.add(vector, f32x4.mul(change, part))));
}

/** Stores the low bytes of eight u16, or of the first `count`. */
function put(to: usize, count: i32, values: v128): void {
  const bytes = i8x16.narrow_i16x8_u(values, values);
  if (count >= 8) {
    v128.store64_lane(to, bytes, 0);
    return;
  }
  let rest = i64x2.extract_lane(bytes, 0);
  for (let k = 0; k < count; k++) {
    store<u8>(to + <usize>k, <u8>rest);
    rest >>= 8;
  }
}

/**
 * Bilinear means of eight times four pixels, as u16; weights in 1/256. Reads up to one row and one pixel further than
 * the offsets.
 */
function sample(source: usize, width: i32, offsetsA: v128, offsetsB: v128, wx: v128, wy: v128): v128 {
  const upper = acrossPixels(gather(source, offsetsA, offsetsB), wx);
  const lower = acrossPixels(gather(source + <usize>width, offsetsA, offsetsB), wx);
  const mean = i16x8.add(upper, i16x8.q15mulr_sat_s(i16x8.sub(lower, upper), i16x8.shl(wy, 7)));
  return i16x8.shr_u(i16x8.add(mean, i16x8.splat(64)), 7);
}

/** Eight means of two neighbours (low and high byte of each lane), times 128. */
function acrossPixels(pairs: v128, wx: v128): v128 {
  const left = v128.and(pairs, i16x8.splat(255));
  const right = i16x8.shr_u(pairs, 8);
  return i16x8.shr_u(i16x8.add(i16x8.shl(left, 8), i16x8.mul(i16x8.sub(right, left), wx)), 1);
}

/** Eight pairs of neighbouring pixels. */
function gather(source: usize, offsetsA: v128, offsetsB: v128): v128 {
  let pairs = v128.load16_splat(source + <usize>i32x4.extract_lane(offsetsA, 0));
  pairs = v128.load16_lane(source + <usize>i32x4.extract_lane(offsetsA, 1), pairs, 1);
  pairs = v128.load16_lane(source + <usize>i32x4.extract_lane(offsetsA, 2), pairs, 2);
  pairs = v128.load16_lane(source + <usize>i32x4.extract_lane(offsetsA, 3), pairs, 3);
  pairs = v128.load16_lane(source + <usize>i32x4.extract_lane(offsetsB, 0), pairs, 4);
  pairs = v128.load16_lane(source + <usize>i32x4.extract_lane(offsetsB, 1), pairs, 5);
  pairs = v128.load16_lane(source + <usize>i32x4.extract_lane(offsetsB, 2), pairs, 6);
  return v128.load16_lane(source + <usize>i32x4.extract_lane(offsetsB, 3), pairs, 7);
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
 * @param out The box with one transparent texel around it, packed: (columns + 2) × (rows + 2).
 */
export function convertOverlay(rgba: usize, stride: i32, columns: i32, rows: i32, out: usize): void {
  const toR = f32x4((0.2126 * 219) / 255, ((-0.2126 / 1.8556) * 224) / 255, ((0.7874 / 1.5748) * 224) / 255, 0);
  const toG = f32x4((0.7152 * 219) / 255, ((-0.7152 / 1.8556) * 224) / 255, ((-0.7152 / 1.5748) * 224) / 255, 0);
  const toB = f32x4((0.0722 * 219) / 255, ((0.9278 / 1.8556) * 224) / 255, ((-0.0722 / 1.5748) * 224) / 255, 0);
  const offset = f32x4(16, 128, 128, 1);
  const outBytes = (<usize>(columns + 2)) << 4;
  memory.fill(out, 0, outBytes);
  for (let y = 0; y < rows; y++) {
    const row = rgba + ((<usize>(y * stride)) << 2);
    let to = out + <usize>(y + 1) * outBytes;
    v128.store(to, i32x4.splat(0));
    for (let x = 0; x < columns; x++) {
      to += 16;
      const texel = load<u32>(row + ((<usize>x) << 2));
      if (texel >> 24 === 0) {
        v128.store(to, i32x4.splat(0));
        continue;
      }
      const alpha = <f32>(texel >> 24) * (1 / 255);
      let yuv = f32x4.add(offset, f32x4.mul(toR, f32x4.splat(<f32>(texel & 255))));
      yuv = f32x4.add(yuv, f32x4.mul(toG, f32x4.splat(<f32>((texel >> 8) & 255))));
      yuv = f32x4.add(yuv, f32x4.mul(toB, f32x4.splat(<f32>((texel >> 16) & 255))));
      v128.store(to, f32x4.mul(yuv, f32x4.splat(alpha)));
    }
    v128.store(to + 16, i32x4.splat(0));
  }
  memory.fill(out + <usize>(rows + 1) * outBytes, 0, outBytes);
}

/**
 * Paints the overlay over the pixels [x0, x1) × [y0, y1) of a plane (of two planes when `planes` is 2).
 *
 * @param overlay Texels from `convertOverlay`: `columns` × `overlayRows`, the part of the overlay that is not transparent,
 *   and the transparent ones around it. Whatever lies outside is transparent.
 * @param ou0 Texel coordinates of pixel (0, 0): the centre of the first texel that is not of the border is (0, 0).
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
  const stride = (<usize>(columns + 2)) << 4;
  for (let y = y0; y < y1; y++) {
    const rowU = ou0 - <f32>y * ovx;
    const rowV = ov0 + <f32>y * oux;
    for (let x = x0; x < x1; x++) {
      const ou = rowU + <f32>x * oux;
      const ov = rowV + <f32>x * ovx;
      if (!(ou > -1 && ov > -1 && ou < <f32>columns && ov < <f32>overlayRows)) continue;
      // Truncating numbers of at least 0 is rounding down.
      const i = <i32>(ou + 1);
      const j = <i32>(ov + 1);
      const at = overlay + <usize>j * stride + ((<usize>i) << 4);
      const upperLeft = v128.load(at);
      const upperRight = v128.load(at, 16);
      const lowerLeft = v128.load(at + stride);
      const lowerRight = v128.load(at + stride, 16);
      if (!v128.any_true(v128.or(v128.or(upperLeft, upperRight), v128.or(lowerLeft, lowerRight)))) continue;
      const wu = f32x4.splat(ou + 1 - <f32>i);
      const colour = mix(mix(upperLeft, upperRight, wu), mix(lowerLeft, lowerRight, wu), f32x4.splat(ov + 1 - <f32>j));
      const rest: f32 = <f32>1 - f32x4.extract_lane(colour, 3);
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

function mix(from: v128, to: v128, weight: v128): v128 {
  return f32x4.add(from, f32x4.mul(f32x4.sub(to, from), weight));
}
