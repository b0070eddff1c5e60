import type { Pixels } from './pixels.ts';

/** Places of a kernel's ones relative to its anchor. */
export type Kernel = readonly { readonly dx: number; readonly dy: number }[];

/** `cv2.dilate` of a mask of 0 and 255: 255 wherever the kernel covers a 255. What lies outside the picture does not count. */
export function dilate(mask: Pixels, kernel: Kernel): Pixels {
  return spread(mask, kernel, 255);
}

/** `cv2.erode` of a mask of 0 and 255: 0 wherever the kernel covers a 0. */
export function erode(mask: Pixels, kernel: Kernel): Pixels {
  return spread(mask, kernel, 0);
}

/** Sets every pixel from which the kernel covers `value` to it. Runs of the kernel are looked at at once, so its size costs little. */
function spread({ widthPx, heightPx, data }: Pixels, kernel: Kernel, value: 0 | 255): Pixels {
  const out = new Uint8Array(widthPx * heightPx).fill(255 - value);
  const runs = runsOf(kernel);
  for (let y = 0; y < heightPx; y++) {
    const row = data.subarray(y * widthPx, (y + 1) * widthPx);
    const first = row.indexOf(value);
    if (first < 0) continue;
    const end = row.lastIndexOf(value) + 1;
    for (const { dy, from, to } of runs) {
      if (y - dy < 0 || y - dy >= heightPx) continue;
      const into = out.subarray((y - dy) * widthPx, (y - dy + 1) * widthPx);
      // The last place up to the run's end that holds the value.
      let last = Number.NEGATIVE_INFINITY;
      for (let x = Math.max(-to, first - to); x < Math.min(widthPx, end - from); x++) {
        if (row[x + to] === value) last = x + to;
        if (x >= 0 && last >= x + from) into[x] = value;
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
