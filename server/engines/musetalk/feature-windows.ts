/** Features per second: Whisper's encoder makes one of every 20 ms. */
export const FEATURES_PER_SECOND = 50;
/** Features that the UNet looks at for one frame: 80 ms before it, its own two, and 80 ms after it. */
export const WINDOW_FEATURES = 10;
/** How many of them lie before the frame's own. */
export const FEATURES_BEFORE = 4;

/** What Whisper's encoder answers, row-major `[positions, layers, width]`. */
export interface HiddenStates {
  readonly data: Float32Array;
  /** Hidden states that are kept of each position. */
  readonly layers: number;
  /** Numbers of each hidden state. */
  readonly width: number;
}

/**
 * First feature of the window of a frame, counted from the sound's beginning; may be negative. At 25 fps that is
 * `2·frame − 4`.
 *
 * @param framesPerSecond A whole number; MuseTalk was trained at 25.
 */
export function windowStart(frame: number, framesPerSecond: number): number {
  const perFrame = FEATURES_PER_SECOND / framesPerSecond;
  return Math.floor(frame * perFrame) - 2 * Math.ceil(perFrame);
}

/**
 * Copies {@link WINDOW_FEATURES} features, one row per hidden state: the states of a feature come one after the other, then those of
 * the next. Features outside of `[0, count)` are zeros, as MuseTalk pads them.
 *
 * @param start First feature of the window; may be negative.
 * @param count Features that there are.
 * @param out `WINDOW_FEATURES × layers × width` numbers, written completely.
 */
export function copyWindow(
  { data, layers, width }: HiddenStates,
  start: number,
  count: number,
  out: Float32Array,
): void {
  const size = layers * width;
  const from = Math.min(Math.max(0, start), count);
  const to = Math.max(from, Math.min(start + WINDOW_FEATURES, count));
  out.fill(0);
  if (to > from) out.set(data.subarray(from * size, to * size), (from - start) * size);
}
