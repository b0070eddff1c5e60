/** How somebody who listens holds themselves in one frame, against how the photo shows them. */
export interface IdlePose {
  /** Turns of the head in radians: to the right of the picture, down, and clockwise. */
  readonly yaw: number;
  readonly pitch: number;
  readonly roll: number;
  /** How far the chest is filled, 0..1. */
  readonly breath: number;
  /** How far the lids are closed, 0..1. */
  readonly lids: number;
}

/** Frames of the loop: 8 s, which take 79 MB of memory. */
export const IDLE_FRAMES = 200;
const FRAMES_PER_SECOND = 25;
const LOOP_SECONDS = IDLE_FRAMES / FRAMES_PER_SECOND;

const DEGREE = Math.PI / 180;
/** Whole cycles per loop, so that the loop closes, and how far each turns, in degrees. */
const SWAY: Readonly<Record<'yaw' | 'pitch' | 'roll', readonly (readonly [cycles: number, degrees: number])[]>> = {
  yaw: [
    [1, 1.5],
    [2, 0.7],
    [3, 0.3],
  ],
  pitch: [
    [1, 0.6],
    [2, 0.5],
    [3, 0.25],
  ],
  roll: [
    [1, 0.3],
    [2, 0.15],
  ],
};
/** 15 a minute, as people at rest. */
const BREATHS = 2;
/** Breathing in is faster than breathing out. */
const BREATH_SKEW = 0.5;

/** 22 a minute, at uneven intervals of {@link MIN_INTERVAL_SECONDS} and more. */
const BLINKS = 3;
const MIN_INTERVAL_SECONDS = 2;
/** The photo is seen as it is when the loop begins. */
const FIRST_BLINK_SECONDS = 1.2;
/** Lids fall faster than they rise. */
const CLOSING_SECONDS = 0.1;
const CLOSED_SECONDS = 0.05;
const OPENING_SECONDS = 0.2;

/**
 * Makes up how somebody moves who listens: a slow sway of the head, breath and blinks. Frame {@link IDLE_FRAMES} would be frame 0 again,
 * and every movement goes on smoothly there.
 *
 * @param seed Other numbers give other people; the same one always the same.
 */
export function idleMotion(seed: number): (frame: number) => IdlePose {
  const random = randomFrom(seed);
  const waves = (turns: readonly (readonly [number, number])[]) => {
    const phased = turns.map(([cycles, degrees]) => ({ cycles, size: degrees * DEGREE, phase: random() }));
    return (share: number) =>
      phased.reduce((sum, { cycles, size, phase }) => sum + size * Math.sin(2 * Math.PI * (cycles * share + phase)), 0);
  };
  const [yaw, pitch, roll] = [waves(SWAY.yaw), waves(SWAY.pitch), waves(SWAY.roll)];
  const breathPhase = random();
  const blinks = blinkTimes(random);
  return (frame) => {
    const share = frame / IDLE_FRAMES;
    const seconds = frame / FRAMES_PER_SECOND;
    return {
      yaw: yaw(share),
      pitch: pitch(share),
      roll: roll(share),
      breath: breathAt(BREATHS * share + breathPhase),
      lids: Math.max(...blinks.map((start) => lidsAt((seconds - start + LOOP_SECONDS) % LOOP_SECONDS))),
    };
  };
}

function breathAt(cycles: number): number {
  const angle = 2 * Math.PI * cycles;
  return (1 - Math.cos(angle + BREATH_SKEW * Math.sin(angle))) / 2;
}

/** @param seconds Since the lids began to fall, not negative. */
function lidsAt(seconds: number): number {
  const ease = (share: number) => (1 - Math.cos(Math.PI * Math.min(Math.max(share, 0), 1))) / 2;
  const falling = seconds / CLOSING_SECONDS;
  const rising = (seconds - CLOSING_SECONDS - CLOSED_SECONDS) / OPENING_SECONDS;
  return ease(falling) * (1 - ease(rising));
}

/** When the lids begin to fall, in seconds: no two closer than {@link MIN_INTERVAL_SECONDS}, over the loop's end as well. */
function blinkTimes(random: () => number): number[] {
  const parts = Array.from({ length: BLINKS }, () => 0.2 + random());
  const total = parts.reduce((sum, part) => sum + part, 0);
  const spare = LOOP_SECONDS - BLINKS * MIN_INTERVAL_SECONDS;
  let seconds = FIRST_BLINK_SECONDS;
  return parts.map((part) => {
    const start = seconds;
    seconds += MIN_INTERVAL_SECONDS + (spare * part) / total;
    return start;
  });
}

/** Numbers from 0 to 1, always the same for a seed (Numerical Recipes' linear congruential generator). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  // The first numbers of neighbouring seeds resemble each other.
  for (let i = 0; i < 8; i++) next();
  return next;
}
