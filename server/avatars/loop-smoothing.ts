/**
 * Smooths values along a loop: every value is replaced by that of a parabola fitted to it and its neighbours on both sides
 * (Savitzky and Golay, 1964), which takes away noise and leaves the turning points of a movement where they are.
 *
 * @param values `frameCount × width`, row-major; the last row is followed by the first. Borrowed.
 * @param width Numbers per frame.
 * @param reachFrames Neighbours on each side, at least 0; fewer where the loop is shorter than the window.
 */
export function smoothLoop(values: Float32Array, width: number, reachFrames: number): Float32Array {
  const frameCount = values.length / width;
  const reach = Math.min(reachFrames, Math.floor((frameCount - 1) / 2));
  const weights = parabolaWeights(reach);
  const smooth = new Float32Array(values.length);
  for (let frame = 0; frame < frameCount; frame++) {
    for (let k = -reach; k <= reach; k++) {
      const from = ((frame + k + frameCount) % frameCount) * width;
      for (let i = 0; i < width; i++) smooth[frame * width + i] += weights[k + reach] * values[from + i];
    }
  }
  return smooth;
}

/** Weights of the values at −reach..reach in the middle of the least squares parabola through them. */
function parabolaWeights(reach: number): number[] {
  if (reach < 2) return [1, ...Array(2 * reach).fill(0)].map((_, k) => (k === reach ? 1 : 0));
  const count = 2 * reach + 1;
  const scale = (3 * count * count - 7) / 4;
  const total = (count * (count * count - 4)) / 3;
  return Array.from({ length: count }, (_, k) => (scale - 5 * (k - reach) ** 2) / total);
}
