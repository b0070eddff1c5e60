import { FRAME_MS, FRAMES_PER_SECOND } from '../audio/pcm.ts';
import type { BatchTimes } from './batch-times.ts';
import { CautiousLimit } from './cautious-limit.ts';

/**
 * New mouths a second that a talking session may get, best first. Pictures go out 25 times a second at each of them; between two
 * new mouths the last one is held. Blending the two would need the second before its time, so that everybody's answer came 40 ms
 * later, and half of each of two mouths is none: lips that close would never be seen closed.
 */
export const MOUTH_RATES: readonly number[] = [25, 20, 15];
const LOWEST_RATE = MOUTH_RATES[MOUTH_RATES.length - 1];

/** Part of what the device could do that sessions are promised: the rest is for first words, jitter and other programs. */
const PROMISED = 0.9;
/** How long after its last job a session still counts as talking: as long as breath is taken. */
const TALKING_MS = 1_000;
const DECIDE_EVERY_MS = 250;
/** A better rate is given only where there is so much more room than it needs. */
const ROOM = 1.1;
/** Where not all can be drawn, faces that rest and faces that speak change places so often. */
const TURN_MS = 3_000;
/** More than this share of late pictures in a second says that less can be had than was computed. */
const LATE_SHARE = 0.02;
const SQUEEZE = 0.95;
const UNSQUEEZE = 1.02;
const TIGHTEST = 0.4;
const JUDGE_EVERY_MS = 1_000;

interface Talker {
  lastMs: number;
  /** Share of a mouth that is due to the session; one is drawn when it reaches 1. */
  credit: number;
  isResting: boolean;
  /** Since when it rests or does not. */
  sinceMs: number;
}

/** What a frame of a talking session gets: a new mouth, the one before it, or the avatar's own closed one. */
export type MouthGrant = 'first' | 'next' | 'held' | 'resting';

/**
 * Shares out what a device can draw among the sessions that talk: all get the same rate, the best one that fits; below the lowest
 * rate, as many as fit are drawn at that and the others show their closed mouth, in turns. What is too much is found out before
 * it is sent to the device, so that no picture waits for one that will be thrown away.
 */
export class MouthRates {
  readonly #talkers = new Map<string, Talker>();
  readonly #dueAfterMs: number;
  #times: BatchTimes;
  readonly #rate = new CautiousLimit(MOUTH_RATES[0]);
  /** How many sessions are drawn at all. */
  readonly #drawn = new CautiousLimit(Number.POSITIVE_INFINITY);
  #decidedMs = Number.NEGATIVE_INFINITY;
  /** Correction of what was computed, by what came late. */
  #squeeze = 1;
  #judgedMs = Number.NEGATIVE_INFINITY;
  #late = 0;
  #inTime = 0;
  #begun = 0;

  /** @param dueAfterMs From a job to the moment at which its picture is wanted. */
  constructor(times: BatchTimes, dueAfterMs: number) {
    this.#times = times;
    this.#dueAfterMs = dueAfterMs;
  }

  /** New mouths a second that sessions get at present, those that rest left out. */
  get rate(): number {
    return this.#rate.value;
  }

  /** Sessions that talk, and how many of them rest. */
  get talking(): { readonly all: number; readonly resting: number } {
    const talkers = [...this.#talkers.values()];
    return { all: talkers.length, resting: talkers.filter(({ isResting }) => isResting).length };
  }

  /** Sessions that can talk at once with a mouth drawn at the lowest rate; at least 1. */
  get capacity(): number {
    return Math.max(1, this.#sessionsAt(LOWEST_RATE));
  }

  /** Goes on with other times, after the device has been warmed up anew. */
  setTimes(times: BatchTimes): void {
    this.#times = times;
  }

  /** Says what the next frame of a session that talks gets. Call it once for each. */
  next(sessionId: string, nowMs: number): MouthGrant {
    const known = this.#talkers.get(sessionId);
    const isFirst = known === undefined || nowMs - known.lastMs > 1.5 * FRAME_MS;
    const talker = known ?? this.#begin(sessionId, nowMs);
    talker.lastMs = nowMs;
    if (!known || nowMs - this.#decidedMs >= DECIDE_EVERY_MS) this.#decide(nowMs);
    if (talker.isResting) return 'resting';
    if (isFirst) return 'first';
    talker.credit += this.#rate.value / FRAMES_PER_SECOND;
    // Sums of fifths are not exact.
    if (talker.credit < 1 - 1e-6) return 'held';
    talker.credit = Math.max(0, talker.credit - 1);
    return 'next';
  }

  /** Learns whether a picture that was sent for was there in time. */
  note(wasInTime: boolean): void {
    if (wasInTime) this.#inTime += 1;
    else this.#late += 1;
  }

  end(sessionId: string): void {
    this.#talkers.delete(sessionId);
  }

  #begin(sessionId: string, nowMs: number): Talker {
    // Sessions that hold their mouths do so in different frames: each begins elsewhere, and no two of them near each other.
    const credit = (this.#begun++ * 0.618) % 1;
    const talker = { lastMs: nowMs, credit, isResting: false, sinceMs: nowMs };
    this.#talkers.set(sessionId, talker);
    return talker;
  }

  #decide(nowMs: number): void {
    this.#decidedMs = nowMs;
    for (const [id, { lastMs }] of this.#talkers) if (nowMs - lastMs > TALKING_MS) this.#talkers.delete(id);
    this.#judge(nowMs);
    const talkers = this.#talkers.size;
    const share = this.#mouthsPerSecond(talkers) / talkers;
    this.#rate.follow(rateWithin(share), rateWithin(share / ROOM), nowMs);
    this.#drawn.follow(this.#drawable(share, LOWEST_RATE), this.#drawable(share / ROOM, LOWEST_RATE * ROOM), nowMs);
    this.#takeTurns(nowMs);
  }

  /** How many sessions can be drawn if each could have `share`: all, or those that can have `rate`. */
  #drawable(share: number, rate: number): number {
    return share >= LOWEST_RATE ? Number.POSITIVE_INFINITY : Math.max(1, this.#sessionsAt(rate));
  }

  /** Lets as many sessions be drawn as may be, and the others rest. */
  #takeTurns(nowMs: number): void {
    const drawn = Math.min(this.#drawn.value, this.#talkers.size);
    const talkers = [...this.#talkers.values()].sort((a, b) => a.sinceMs - b.sinceMs);
    const turn = (talker: Talker, isResting: boolean): void => {
      talker.isResting = isResting;
      talker.sinceMs = nowMs;
    };
    const speaking = talkers.filter(({ isResting }) => !isResting);
    const resting = talkers.filter(({ isResting }) => isResting);
    for (let excess = speaking.length - drawn; excess > 0; excess -= 1) turn(speaking.shift() as Talker, true);
    for (let room = drawn - speaking.length; room > 0 && resting.length > 0; room -= 1) {
      turn(resting.shift() as Talker, false);
    }
    // Those that have rested long enough change places with those that were drawn longest.
    for (const tired of resting.filter(({ isResting, sinceMs }) => isResting && nowMs - sinceMs >= TURN_MS)) {
      const longest = speaking.find(({ sinceMs }) => nowMs - sinceMs >= TURN_MS);
      if (!longest) return;
      turn(longest, true);
      turn(tired, false);
    }
  }

  #judge(nowMs: number): void {
    if (nowMs - this.#judgedMs < JUDGE_EVERY_MS) return;
    this.#judgedMs = nowMs;
    const all = this.#late + this.#inTime;
    if (this.#late > LATE_SHARE * all) this.#squeeze = Math.max(TIGHTEST, this.#squeeze * SQUEEZE);
    else if (this.#late === 0) this.#squeeze = Math.min(1, this.#squeeze * UNSQUEEZE);
    this.#late = 0;
    this.#inTime = 0;
  }

  /** Most sessions that can all have `rate`. */
  #sessionsAt(rate: number): number {
    let sessions = 0;
    while ((sessions + 1) * rate <= this.#mouthsPerSecond(sessions + 1)) sessions += 1;
    return sessions;
  }

  /** New mouths a second that so many sessions can be promised together. */
  #mouthsPerSecond(sessions: number): number {
    let most = 0;
    for (const size of this.#times.sizes) {
      // A job may come when a batch has just begun: it waits for that one and is drawn by the next.
      const isOfUse = size === 1 ? this.#times.ms(1) <= this.#dueAfterMs : 2 * this.#times.ms(size) <= this.#dueAfterMs;
      if (isOfUse) most = Math.max(most, Math.min(size, sessions) / this.#times.ms(size));
    }
    return most * 1000 * PROMISED * this.#squeeze;
  }
}

/** The best rate that `share` is enough for; the lowest one if it is enough for none. */
function rateWithin(share: number): number {
  return MOUTH_RATES.find((rate) => rate <= share) ?? LOWEST_RATE;
}
