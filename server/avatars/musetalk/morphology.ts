import type { Pixels } from './pixels.ts';

/** Places of a kernel's ones relative to its anchor. */
export type Kernel = readonly { readonly dx: number; readonly dy: number }[];

/** The largest value that the kernel covers at each pixel: `cv2.dilate`. What lies outside the picture does not count. */
export function dilate(picture: Pixels, kernel: Kernel): Pixels {
  return pick(picture, kernel, 0, Math.max);
}

/** The smallest one: `cv2.erode`. */
export function erode(picture: Pixels, kernel: Kernel): Pixels {
  return pick(picture, kernel, 255, Math.min);
}

/** Runs of ones in the kernel's rows are looked at through running extremes, so its size costs little. */
function pick(
  { widthPx, heightPx, data }: Pixels,
  kernel: Kernel,
  nothing: 0 | 255,
  better: (a: number, b: number) => number,
): Pixels {
  const out = new Uint8Array(widthPx * heightPx).fill(nothing);
  for (const { dy, from, to } of runsOf(kernel)) {
    for (let y = Math.max(0, -dy); y < Math.min(heightPx, heightPx - dy); y++) {
      const row = data.subarray((y + dy) * widthPx, (y + dy + 1) * widthPx);
      // Where the last pixel lies, up to a column, that is not `nothing`: masks have two values only.
      let lastOther = Number.NEGATIVE_INFINITY;
      let value: number = nothing;
      for (let x = -to; x < widthPx; x++) {
        const entering = x + to;
        if (entering < widthPx && row[entering] !== nothing) {
          lastOther = entering;
          value = row[entering];
        }
        if (x >= 0 && lastOther >= x + from) out[y * widthPx + x] = better(out[y * widthPx + x], value);
      }
    }
  }
  return { widthPx, heightPx, channels: 1, data: out };
}

/** The kernel's rows as runs of neighbouring ones. */
function runsOf(kernel: Kernel): { dy: number; from: number; to: number }[] {
  const runs: { dy: number; from: number; to: number }[] = [];
  const ones = [...kernel].sort((a, b) => a.dy - b.dy || a.dx - b.dx);
  for (const { dx, dy } of ones) {
    const last = runs.at(-1);
    if (last && last.dy === dy && last.to === dx - 1) last.to = dx;
    else runs.push({ dy, from: dx, to: dx });
  }
  return runs;
}
