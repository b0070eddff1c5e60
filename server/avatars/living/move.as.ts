// AssemblyScript: moves the samples of one plane by vectors known on a grid. Built by scripts/build-warp.ts.
// The host (plane-mover.ts) lays out the memory and passes addresses.

/** Fixed point of positions: 1/65536 sample; the cubic is known at 64 of them. */
const FRACTION_BITS: i32 = 16;
const PHASE_BITS: i32 = 6;
/** Movements below 1/32 sample are not seen. */
const STILL: i32 = 1 << (FRACTION_BITS - 5);

/**
 * Writes a plane: each sample is taken, bicubic, from where its movement leads back to.
 *
 * @param source Sample (0, 0) of a plane that goes on for more than the longest movement on all sides.
 * @param stride Bytes per row of the source.
 * @param target `width × height` bytes.
 * @param grid f32 x and y per node, in samples of this plane; `columns` nodes per row, every `cell` samples.
 * @param across Per phase eight i16: the four weights twice. Weights sum to 256.
 * @param down Per phase eight i32: the first weight twice, the second twice, and so on.
 */
export function move(
  source: usize,
  stride: i32,
  target: usize,
  width: i32,
  height: i32,
  grid: usize,
  columns: i32,
  cell: i32,
  across: usize,
  down: usize,
): void {
  const one = <f32>(1 << FRACTION_BITS);
  const perCell: f32 = <f32>1 / <f32>cell;
  const gridStride = (<usize>columns) << 3;
  for (let row = 0; row < height; row++) {
    const gridRow = row / cell;
    const lower: f32 = (<f32>row + 0.5) * perCell - <f32>gridRow;
    const upper: f32 = <f32>1 - lower;
    let node = grid + <usize>gridRow * gridStride;
    for (let start = 0; start < width; start += cell, node += 8) {
      const leftX = load<f32>(node) * upper + load<f32>(node + gridStride) * lower;
      const leftY = load<f32>(node, 4) * upper + load<f32>(node + gridStride, 4) * lower;
      const rightX = load<f32>(node, 8) * upper + load<f32>(node + gridStride, 8) * lower;
      const rightY = load<f32>(node, 12) * upper + load<f32>(node + gridStride, 12) * lower;
      const slopeX = (rightX - leftX) * perCell;
      const slopeY = (rightY - leftY) * perCell;
      let dx = <i32>((leftX + slopeX * 0.5) * one);
      let dy = <i32>((leftY + slopeY * 0.5) * one);
      const stepX = <i32>(slopeX * one);
      const stepY = <i32>(slopeY * one);
      const end = min(start + cell, width);
      for (let column = start; column < end; column++, dx += stepX, dy += stepY) {
        const to = target + <usize>(row * width + column);
        if (dx < STILL && dx > -STILL && dy < STILL && dy > -STILL) {
          store<u8>(to, load<u8>(source + <usize>(row * stride + column)));
          continue;
        }
        const half = 1 << (FRACTION_BITS - PHASE_BITS - 1);
        const x = (column << FRACTION_BITS) - dx + half;
        const y = (row << FRACTION_BITS) - dy + half;
        const first = source + <usize>(((y >> FRACTION_BITS) - 1) * stride + (x >> FRACTION_BITS) - 1);
        const mask = (1 << PHASE_BITS) - 1;
        const px = across + ((<usize>((x >> (FRACTION_BITS - PHASE_BITS)) & mask)) << 4);
        const py = down + ((<usize>((y >> (FRACTION_BITS - PHASE_BITS)) & mask)) << 5);
        const weights = v128.load(px);
        const second = first + <usize>stride;
        const third = second + <usize>stride;
        const rows01 = i16x8.extend_low_i8x16_u(v128.load32_lane(second, v128.load32_zero(first), 1));
        const rows23 = i16x8.extend_low_i8x16_u(v128.load32_lane(third + <usize>stride, v128.load32_zero(third), 1));
        const sums = i32x4.add(
          i32x4.mul(i32x4.dot_i16x8_s(rows01, weights), v128.load(py)),
          i32x4.mul(i32x4.dot_i16x8_s(rows23, weights), v128.load(py, 16)),
        );
        const value =
          (i32x4.extract_lane(sums, 0) +
            i32x4.extract_lane(sums, 1) +
            i32x4.extract_lane(sums, 2) +
            i32x4.extract_lane(sums, 3) +
            (1 << 15)) >>
          16;
        store<u8>(to, <u8>min(max(value, 0), 255));
      }
    }
  }
}
