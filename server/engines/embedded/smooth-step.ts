/** 0 below 0, 1 above 1, smooth between. */
export function smoothStep(value: number): number {
  const x = Math.min(1, Math.max(0, value));
  return x * x * (3 - 2 * x);
}
