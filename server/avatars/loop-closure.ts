import type { Frame } from '../codecs/frame.ts';

/** Places per row and column where pictures are compared. */
const GRID = 48;
/** The step from the end to the start may be so many times as large as a usual step within the clip, which is still slow. */
const TOLERANCE = 2;
/** And so much larger in any case: noise of the camera and of the codec, of 255. */
const NOISE = 0.8;

/** Brightness of a picture at {@link GRID}² places: enough to tell whether two pictures follow each other. */
export function glimpse({ data, widthPx, heightPx }: Frame): Uint8Array {
  return Uint8Array.from({ length: GRID * GRID }, (_, i) => {
    const x = Math.floor((((i % GRID) + 0.5) * widthPx) / GRID);
    const y = Math.floor(((Math.floor(i / GRID) + 0.5) * heightPx) / GRID);
    return data[y * widthPx + x];
  });
}

/** Whether a clip can be played in a loop: its last picture leads to its first as smoothly as the others to the next. */
export function closesLoop(glimpses: readonly Uint8Array[]): boolean {
  if (glimpses.length < 3) return true;
  const steps = glimpses.slice(1).map((picture, i) => difference(picture, glimpses[i]));
  const closing = difference(glimpses[glimpses.length - 1], glimpses[0]);
  const usual = steps.sort((a, b) => a - b)[steps.length >> 1];
  return closing <= usual * TOLERANCE + NOISE;
}

function difference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
}
