/** Value that `share` (0..1) of `values` do not exceed, by linear interpolation; NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`share must be from 0 to 1, got ${share}`);
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

/** Middle of `values`; NaN of nothing. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export interface Line {
  /** Change of y per 1 of x. */
  readonly slope: number;
  /** y at x = 0. */
  readonly intercept: number;
}

/** The line through `points` with the least squared error in y; a slope of 0 where x does not change. */
export function linearFit(points: readonly (readonly [x: number, y: number])[]): Line {
  if (points.length === 0) return { slope: Number.NaN, intercept: Number.NaN };
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const together = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const slope = spread === 0 ? 0 : together / spread;
  return { slope, intercept: meanY - slope * meanX };
}
