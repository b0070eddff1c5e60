/** An 8-bit picture, row by row without padding, its channels side by side. */
export interface Pixels {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly channels: number;
  /** `widthPx × heightPx × channels` bytes. */
  readonly data: Uint8Array;
}

/** Columns [left, right) and rows [top, bottom) of a picture; may reach beyond it where that is said. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Cuts a part out; what lies outside the picture is black. */
export function crop({ widthPx, heightPx, channels, data }: Pixels, { left, top, right, bottom }: Area): Pixels {
  const out = new Uint8Array((right - left) * (bottom - top) * channels);
  const from = Math.max(0, left);
  const to = Math.min(widthPx, right);
  for (let y = Math.max(0, top); y < Math.min(heightPx, bottom) && to > from; y++) {
    const row = data.subarray((y * widthPx + from) * channels, (y * widthPx + to) * channels);
    out.set(row, ((y - top) * (right - left) + from - left) * channels);
  }
  return { widthPx: right - left, heightPx: bottom - top, channels, data: out };
}
