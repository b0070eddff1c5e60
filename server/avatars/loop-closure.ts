import type { Frame } from '../codecs/frame.ts';

/** Places per row and column where pictures are compared. */
const GRID = 48;
/** The step from the end to the start may be so many times as large as a usual step within the clip, which is still slow. */
const TOLERANCE = 2;
/** And so much larger in any case: noise of the camera and of the codec, of 255. */
const NOISE = 0.8;

/** Brightness of a picture at {@link GRID}² places: enough to tell whether two pictures follow each other. */
export type Glimpse = Uint8Array;

export function glimpse({ data, widthPx, heightPx }: Frame): Glimpse {
  return Uint8Array.from({ length: GRID * GRID }, (_, i) => {
    const x = Math.floor((((i % GRID) + 0.5) * widthPx) / GRID);
    const y = Math.floor(((Math.floor(i / GRID) + 0.5) * heightPx) / GRID);
    return data[y * widthPx + x];
  });
}

/** Whether a clip can be played in a loop: its last picture leads to its first as smoothly as the others to the next. */
export function closesLoop(glimpses: readonly Glimpse[]): boolean {
  return joins(glimpses, 0, glimpses.length);
}

/** Whether the pictures from `first` to the one before `end` can be played in a loop. */
export function joins(glimpses: readonly Glimpse[], first: number, end: number): boolean {
  if (end - first < 3) return true;
  return difference(glimpses[end - 1], glimpses[first]) <= usualStep(glimpses) * TOLERANCE + NOISE;
}

/** How much each picture differs from the one before, from the second one on; the mean over the places, of 255. */
export function stepsOf(glimpses: readonly Glimpse[]): number[] {
  return glimpses.slice(1).map((picture, i) => difference(picture, glimpses[i]));
}

export function difference(a: Glimpse, b: Glimpse): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
  return sum / a.length;
}

/** Half of a clip's steps are smaller. Remembered, since many ends of one clip are tried. */
const usualSteps = new WeakMap<readonly Glimpse[], number>();
function usualStep(glimpses: readonly Glimpse[]): number {
  const known = usualSteps.get(glimpses);
  if (known !== undefined) return known;
  const steps = stepsOf(glimpses).sort((a, b) => a - b);
  const usual = steps[steps.length >> 1];
  usualSteps.set(glimpses, usual);
  return usual;
}
