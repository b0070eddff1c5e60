import { type Glimpse, joins } from './loop-closure.ts';

/** The pictures of a clip that are used, and how they run. */
export interface Stretch {
  readonly firstFrame: number;
  /** Pictures used. */
  readonly fileFrames: number;
  /** Whether they run forwards and then backwards. */
  readonly isMirrored: boolean;
}

/** What is known about each picture of a clip. */
export interface StretchMaterial {
  readonly glimpses: readonly Glimpse[];
  /** Whether the mouth is closed. */
  readonly isClosed: readonly boolean[];
}

/** Shorter loops are seen to be loops. */
const MIN_LOOP_FRAMES = 75;
const MIN_MIRRORED_FRAMES = 26;
/** Starts and ends are tried at every so many frames. */
const STEP_FRAMES = 2;

/**
 * Chooses what is shown of a clip: all of it if it fits and is a loop with closed lips; else the longest part that is; else the longest part with
 * closed lips, there and back. If lips are never closed for long enough, the same without asking for closed lips.
 *
 * @param maxFrames Length of the longest loop.
 * @param mayStartLate Whether it matters little which part is shown; if it does, the beginning always is.
 */
export function chooseStretch(
  { glimpses, isClosed }: StretchMaterial,
  maxFrames: number,
  mayStartLate: boolean,
): Stretch {
  const count = glimpses.length;
  const whole = { firstFrame: 0, fileFrames: count, isMirrored: false };
  if (count <= maxFrames && joins(glimpses, 0, count) && isClosed.every((closed) => closed)) return whole;
  const begun = { firstFrame: 0, fileFrames: Math.min(count, maxFrames / 2 + 1), isMirrored: true };
  if (!mayStartLate) return begun;
  const always = isClosed.map(() => true);
  return (
    longestLoop(glimpses, isClosed, maxFrames) ??
    longestMirrored(isClosed, maxFrames) ??
    longestLoop(glimpses, always, maxFrames) ??
    begun
  );
}

function longestLoop(glimpses: readonly Glimpse[], isClosed: readonly boolean[], maxFrames: number): Stretch | null {
  const count = glimpses.length;
  // Where the run of closed lips that a frame belongs to ends.
  const runEnd = new Array<number>(count).fill(0);
  for (let i = count - 1; i >= 0; i--) runEnd[i] = isClosed[i] ? Math.max(i + 1, runEnd[i + 1] ?? 0) : 0;
  let best: Stretch | null = null;
  const tried = (firstFrame: number, end: number): boolean => {
    if (!joins(glimpses, firstFrame, end)) return false;
    best = { firstFrame, fileFrames: end - firstFrame, isMirrored: false };
    return true;
  };
  for (let first = 0; first + MIN_LOOP_FRAMES <= count; first += STEP_FRAMES) {
    const last = Math.min(runEnd[first], first + maxFrames);
    const least = first + Math.max(MIN_LOOP_FRAMES, (best as Stretch | null)?.fileFrames ?? 0) + 1;
    for (let end = last; end >= least; end -= STEP_FRAMES) if (tried(first, end)) break;
  }
  return best;
}

function longestMirrored(isClosed: readonly boolean[], maxFrames: number): Stretch | null {
  let best: Stretch | null = null;
  for (let first = 0; first < isClosed.length; first++) {
    let end = first;
    while (end < isClosed.length && isClosed[end]) end++;
    const fileFrames = Math.min(end - first, maxFrames / 2 + 1);
    if (fileFrames >= MIN_MIRRORED_FRAMES && fileFrames > ((best as Stretch | null)?.fileFrames ?? 0)) {
      best = { firstFrame: first, fileFrames, isMirrored: true };
    }
    first = end;
  }
  return best;
}
