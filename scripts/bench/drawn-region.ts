import type { Frame } from '../../server/codecs/frame.ts';

/** Where drawing has changed a picture. */
export interface DrawnRegion {
  readonly widthPx: number;
  readonly heightPx: number;
  /** One number per pixel: 1 where its brightness has changed and everywhere that such pixels enclose, else 0. */
  readonly inside: Uint8Array;
  /** How many are 1. */
  readonly area: number;
}

/** How much brightness changes from the last pixel of a region to the first one outside: mean squares, of levels. */
export interface SeamEnergy {
  /** In the picture as it was. */
  readonly original: number;
  /** In the picture that was drawn into. */
  readonly drawn: number;
  /** Pairs of neighbours that were looked at. */
  readonly pairs: number;
}

/** Finds what is different; a pixel that happens to look as before within what was drawn counts as drawn. */
export function drawnRegion(base: Frame, drawn: Frame): DrawnRegion {
  const { widthPx, heightPx } = base;
  const inside = new Uint8Array(widthPx * heightPx).fill(1);
  const waiting: number[] = [];
  const visit = (x: number, y: number): void => {
    const at = y * widthPx + x;
    if (inside[at] === 0 || base.data[at] !== drawn.data[at]) return;
    inside[at] = 0;
    waiting.push(at);
  };
  for (let x = 0; x < widthPx; x++) for (const y of [0, heightPx - 1]) visit(x, y);
  for (let y = 0; y < heightPx; y++) for (const x of [0, widthPx - 1]) visit(x, y);
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const [x, y] = [at % widthPx, Math.floor(at / widthPx)];
    if (x > 0) visit(x - 1, y);
    if (x < widthPx - 1) visit(x + 1, y);
    if (y > 0) visit(x, y - 1);
    if (y < heightPx - 1) visit(x, y + 1);
  }
  let area = 0;
  for (const each of inside) area += each;
  return { widthPx, heightPx, inside, area };
}

/**
 * Measures the edge along a region's border.
 *
 * @param reachPx How far behind the border it is looked for on each side: 1 sees a hard edge, more a soft one.
 */
export function seamEnergy(
  { widthPx, heightPx, inside }: DrawnRegion,
  base: Frame,
  drawn: Frame,
  reachPx: number,
): SeamEnergy {
  let [original, now, pairs] = [0, 0, 0];
  for (const [dx, dy] of [
    [1, 0],
    [0, 1],
  ]) {
    for (let y = (reachPx - 1) * dy; y < heightPx - reachPx * dy; y++) {
      for (let x = (reachPx - 1) * dx; x < widthPx - reachPx * dx; x++) {
        const at = y * widthPx + x;
        const step = dy * widthPx + dx;
        if (inside[at] === inside[at + step]) continue;
        const [from, to] = [at - (reachPx - 1) * step, at + reachPx * step];
        original += (base.data[from] - base.data[to]) ** 2;
        now += (drawn.data[from] - drawn.data[to]) ** 2;
        pairs += 1;
      }
    }
  }
  return { original: original / pairs, drawn: now / pairs, pairs };
}
