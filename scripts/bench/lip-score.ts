import { FRAME_MS } from '../../server/audio/pcm.ts';
import { smoothStep } from '../../server/engines/embedded/smooth-step.ts';
import { MOUTH_PARAMETERS } from '../../server/engines/engine.ts';
import type { Mouths } from './lip-mappings.ts';

/** What was said when, and what a mouth does then. */
export interface Labels {
  /** ARPAbet, start and end in ms. */
  readonly phones: readonly (readonly [string, number, number])[];
  /** The `MOUTH_PARAMETERS` of every video frame. */
  readonly curve: readonly (readonly number[])[];
}

export interface LipScore {
  /** -1..1, at no lag. */
  readonly jawCorrelation: number;
  /** Where the jaws correlate best; positive if the drawn jaw is late. */
  readonly lagMs: number;
  /** Mean over six shapes of the share of frames that have the right one. */
  readonly classAccuracy: number;
  /** Share of p b m with closed lips within 40 ms of the sound. */
  readonly closureRecall: number;
  /** Share of frames within vowels, 40 ms away from p b m f v and pauses, with closed lips. */
  readonly falseClosures: number;
}

const [JAW, , , SPREAD, ROUND, , TUCK] = MOUTH_PARAMETERS.keys();
const NEAR_MS = 40;
const MOST_LAG_FRAMES = 5;
const CLOSERS = new Set(['p', 'b', 'm']);
const QUIET = new Set(['pau', 'sil']);
const VOWELS = new Set('aa ae ah ao aw ax ay eh er ey ih iy ow oy uh uw'.split(' '));

type Shape = 'closed' | 'labiodental' | 'rounded' | 'spread' | 'open' | 'narrow';

/** Compares mouths with what they should be, over any number of voices. */
export class LipScorer {
  /** Drawn and true jaws, frame by frame, by lag in frames. */
  readonly #jaws = new Map<number, [number[], number[]]>();
  readonly #shapes = new Map<Shape, { frames: number; right: number }>();
  #closers = 0;
  #closed = 0;
  #vowelFrames = 0;
  #falselyClosed = 0;

  add(mouths: Mouths, { phones, curve }: Labels): void {
    const frames = Math.min(mouths.length, curve.length);
    this.#addJaws(mouths, curve, frames);
    for (let frame = 0; frame < frames; frame++) {
      const shape = shapeOf(curve[frame]);
      const counted = this.#shapes.get(shape) ?? { frames: 0, right: 0 };
      counted.frames += 1;
      if (shapeOf(mouths[frame]) === shape) counted.right += 1;
      this.#shapes.set(shape, counted);
    }
    for (const [at, [phone, startMs, endMs]] of phones.entries()) {
      if (CLOSERS.has(phone)) this.#addCloser(mouths, startMs, endMs);
      else if (VOWELS.has(phone)) {
        const isFree = (neighbour: string | undefined): boolean =>
          neighbour !== undefined && !CLOSERS.has(neighbour) && !QUIET.has(neighbour) && !'fv'.includes(neighbour);
        const from = startMs + (isFree(phones[at - 1]?.[0]) ? 0 : NEAR_MS);
        const to = endMs - (isFree(phones[at + 1]?.[0]) ? 0 : NEAR_MS);
        this.#addVowel(mouths, from, to);
      }
    }
  }

  score(): LipScore {
    const correlations = [...this.#jaws].map(([lag, [drawn, right]]) => ({ lag, value: correlation(drawn, right) }));
    const best = correlations.reduce((a, b) => (b.value > a.value ? b : a));
    const shares = [...this.#shapes.values()].map(({ frames, right }) => right / frames);
    return {
      jawCorrelation: correlations.find(({ lag }) => lag === 0)?.value ?? Number.NaN,
      lagMs: best.lag * FRAME_MS,
      classAccuracy: shares.reduce((sum, share) => sum + share, 0) / shares.length,
      closureRecall: this.#closed / this.#closers,
      falseClosures: this.#falselyClosed / this.#vowelFrames,
    };
  }

  #addJaws(mouths: Mouths, curve: Labels['curve'], frames: number): void {
    for (let lag = -MOST_LAG_FRAMES; lag <= MOST_LAG_FRAMES; lag++) {
      const [drawn, right] = this.#jaws.get(lag) ?? [[], []];
      for (let frame = MOST_LAG_FRAMES; frame < frames - MOST_LAG_FRAMES; frame++) {
        drawn.push(mouths[frame + lag][JAW]);
        right.push(curve[frame][JAW]);
      }
      this.#jaws.set(lag, [drawn, right]);
    }
  }

  #addCloser(mouths: Mouths, startMs: number, endMs: number): void {
    this.#closers += 1;
    const first = Math.max(0, Math.ceil((startMs - NEAR_MS) / FRAME_MS - 0.5));
    const last = Math.floor((endMs + NEAR_MS) / FRAME_MS - 0.5);
    if (mouths.slice(first, last + 1).some(isClosed)) this.#closed += 1;
  }

  #addVowel(mouths: Mouths, startMs: number, endMs: number): void {
    const first = Math.ceil(startMs / FRAME_MS - 0.5);
    const last = Math.floor(endMs / FRAME_MS - 0.5);
    for (const mouth of mouths.slice(Math.max(0, first), Math.max(0, last + 1))) {
      this.#vowelFrames += 1;
      if (isClosed(mouth)) this.#falselyClosed += 1;
    }
  }
}

type Mouth = Float32Array | readonly number[];

/** Lips that are less apart than this look closed, in crop pixels (about millimetres). */
const CLOSED_BELOW = 0.5;

/** Whether the lips meet when the embedded engine draws this mouth; the same formula as `MouthShape`. */
function isClosed(mouth: Mouth): boolean {
  const [jaw, lower, upper, , round, press, tuck] = mouth;
  if (tuck >= 0.5) return false;
  const free = 1 - smoothStep((press - 0.35) / 0.6);
  const down = (25 * jaw * (0.97 - 0.22 * round) + 6.5 * lower) * (1 - 0.75 * tuck) * free;
  const up = (1.75 * jaw + 5 * upper + 0.8 * round + 2.2 * tuck) * free;
  const apart = down + up;
  return (apart * apart) / (apart + 1.3) < CLOSED_BELOW;
}

function shapeOf(mouth: Mouth): Shape {
  if (isClosed(mouth)) return 'closed';
  if (mouth[TUCK] >= 0.5) return 'labiodental';
  if (mouth[ROUND] >= 0.4) return 'rounded';
  if (mouth[JAW] >= 0.3) return 'open';
  return mouth[SPREAD] >= 0.25 ? 'spread' : 'narrow';
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  let both = 0;
  let squareA = 0;
  let squareB = 0;
  for (let i = 0; i < a.length; i++) {
    both += (a[i] - meanA) * (b[i] - meanB);
    squareA += (a[i] - meanA) ** 2;
    squareB += (b[i] - meanB) ** 2;
  }
  return both / Math.sqrt(squareA * squareB);
}
