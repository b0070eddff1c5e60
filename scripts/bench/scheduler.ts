import { FRAME_MS } from '../../server/audio/pcm.ts';
import type { Bench, BenchRun } from './bench.ts';
import { atLeast, atMost, formatTable, readable } from './figures.ts';
import { CARD_CLASSES, type CardClass } from './scheduler/card-classes.ts';
import { type SimulationOptions, type SimulationResult, simulate } from './scheduler/simulation.ts';
import { median, percentile } from './statistics.ts';

/** Time from a frame's last sound to its picture that a device is given. */
const COMPUTE_BUDGET_MS = 100;
/** A session is held if 99 % of its mouths come no longer than this after the one before. */
const HELD_GAP_MS = 80;
const STANDSTILL_MS = 2_000;
const MOST_SESSIONS = 200;
/** New mouths a second of a session that gets all it can. */
const FULL_RATE = 24.5;

export const scheduler: Bench = {
  name: 'scheduler',
  summary: 'how many talking sessions a shared device holds, how fairly, and what happens beyond; simulated cards',
  async run(run) {
    run.say(
      'Times of the cards are derived from published rates, not measured: scripts/bench/scheduler/card-classes.ts.',
    );
    const cards = CARD_CLASSES.map((card) => ({ card, figures: measureCard(run, card) }));
    run.say(`\nSessions that talk at once\n${capacityTable(cards)}`);
    run.say(`\nBeyond what is held\n${beyondTable(cards)}\n`);
    addFigures(run, cards);
  },
};

interface CardFigures {
  /** Most sessions without a p99 gap of more than 80 ms; with a new mouth in nearly every frame; in batches of one. */
  readonly held: number;
  readonly full: number;
  readonly alone: number;
  /** Sessions that the scheduler would let in. */
  readonly letIn: number;
  readonly meanBatch: number;
  readonly busyPercent: number;
  readonly gapMs: number;
  readonly fairness: number;
  /** With one and a half times the sessions that are held, and that get 25 mouths a second. */
  readonly beyond: Beyond;
  readonly beyondFull: Beyond;
  readonly slowdown: { readonly latePercent: number; readonly gapMs: number };
  readonly standstill: { readonly restMs: number; readonly backMs: number };
}

interface Beyond {
  readonly sessions: number;
  readonly fairness: number;
  readonly latePercent: number;
  readonly mouthsPerSecond: number;
  readonly gapMs: number;
}

interface Measured {
  readonly card: CardClass;
  readonly figures: CardFigures;
}

function measureCard(run: BenchRun, card: CardClass): CardFigures {
  const options = { times: card.times, computeBudgetMs: COMPUTE_BUDGET_MS, ms: run.isQuick ? 20_000 : 60_000 };
  const held = mostSessions(options, isHeld);
  const full = mostSessions(options, ({ faces }) => faces.every((face) => face.mouthsPerSecond > FULL_RATE));
  const atHeld = simulate({ ...options, sessions: Math.max(1, held) });
  return {
    held,
    full,
    alone: mostSessions({ ...options, times: card.times.slice(0, 1) }, isHeld),
    letIn: atHeld.capacity,
    meanBatch: atHeld.meanBatch,
    busyPercent: 100 * atHeld.busy,
    gapMs: longestGap(atHeld),
    fairness: fairness(atHeld),
    beyond: beyond(options, Math.ceil(1.5 * held)),
    beyondFull: beyond(options, Math.ceil(1.5 * full)),
    slowdown: slowdown(options, Math.max(1, full)),
    standstill: standstill(options, Math.max(1, held)),
  };
}

function capacityTable(cards: readonly Measured[]): string {
  const headings = [
    'card',
    'decoder',
    'ms for 1',
    '4',
    '16',
    'held',
    'of 25/s',
    'let in',
    'batches of 1',
    'mean batch',
    'busy %',
  ];
  const rows = cards.map(({ card, figures }) => [
    card.name,
    card.tier,
    ...[1, 4, 16].map((size) => readable(msFor(card, size))),
    ...[figures.held, figures.full, figures.letIn, figures.alone].map(String),
    readable(figures.meanBatch),
    readable(figures.busyPercent),
  ]);
  return formatTable([headings, ...rows], [2, 3, 4, 5, 6, 7, 8, 9, 10]);
}

function beyondTable(cards: readonly Measured[]): string {
  const headings = ['card', 'decoder', '1.5 x of', 'sessions', 'mouths/s', 'p99 gap ms', 'worst/median', 'late %'];
  const row = ({ card }: Measured, of: string, { sessions, mouthsPerSecond, gapMs, fairness, latePercent }: Beyond) => [
    card.name,
    card.tier,
    of,
    String(sessions),
    ...[mouthsPerSecond, gapMs, fairness, latePercent].map(readable),
  ];
  const rows = cards.flatMap((each) => [
    row(each, 'of 25/s', each.figures.beyondFull),
    row(each, 'held', each.figures.beyond),
  ]);
  return formatTable([headings, ...rows], [3, 4, 5, 6, 7]);
}

function addFigures({ figures }: BenchRun, cards: readonly Measured[]): void {
  for (const { card, figures: measured } of cards) {
    const about = `${card.name}, ${card.tier} decoder`;
    // Where one picture alone keeps the card busy, no scheduling can make much of drawing many together.
    const couldGain = (msFor(card, 1) * 16) / msFor(card, 16);
    const gain = measured.held / measured.alone;
    figures.add(`${about}: sessions held`, measured.held, '', atLeast(1));
    figures.add(
      `${about}: by batches of 1; the card could`,
      gain,
      `${readable(couldGain)}`,
      couldGain >= 1.8 ? atLeast(1.8) : null,
    );
  }
  const all = cards.map((each) => each.figures);
  const most = (of: (each: CardFigures) => number): number => Math.max(...all.map(of));
  const least = (of: (each: CardFigures) => number): number => Math.min(...all.map(of));
  figures.add(
    'held: longest p99 gap of any session',
    most(({ gapMs }) => gapMs),
    'ms',
    atMost(HELD_GAP_MS),
  );
  figures.add(
    'held: worst by median session',
    least((each) => each.fairness),
    '',
    atLeast(0.9),
  );
  figures.add(
    'let in by held, most',
    most(({ letIn, held }) => letIn / held),
    '',
    atMost(1),
  );
  figures.add(
    '1.5 x of 25/s: longest p99 gap',
    most(({ beyondFull }) => beyondFull.gapMs),
    'ms',
    atMost(HELD_GAP_MS),
  );
  figures.add(
    '1.5 x of 25/s: worst by median session',
    least(({ beyondFull }) => beyondFull.fairness),
    '',
    atLeast(0.9),
  );
  figures.add(
    '1.5 x of held: worst by median session',
    least((each) => each.beyond.fairness),
    '',
    atLeast(0.8),
  );
  figures.add(
    '1.5 x: pictures late',
    most(({ beyond, beyondFull }) => Math.max(beyond.latePercent, beyondFull.latePercent)),
    '%',
    atMost(1),
  );
  figures.add(
    'card becomes half as fast: pictures late in 40 s',
    most((each) => each.slowdown.latePercent),
    '%',
    atMost(5),
  );
  figures.add(
    'standstill of 2 s: all faces rest after',
    most((each) => each.standstill.restMs),
    'ms',
    atMost(200),
  );
  figures.add(
    'after it: all mouths move again after',
    most((each) => each.standstill.backMs),
    'ms',
    atMost(3_000),
  );
}

function msFor({ times }: CardClass, wanted: number): number {
  return times.find(({ size }) => size === wanted)?.ms ?? Number.NaN;
}

/** The most sessions that all of which `holds` says they hold, when one fewer holds as well. */
function mostSessions(
  options: Omit<SimulationOptions, 'sessions'>,
  holds: (result: SimulationResult) => boolean,
): number {
  const isFine = (sessions: number): boolean => holds(simulate({ ...options, sessions }));
  let fine = 0;
  let step = 1;
  while (fine + step <= MOST_SESSIONS && isFine(fine + step)) {
    fine += step;
    step *= 2;
  }
  for (; step >= 1; step = Math.floor(step / 2)) if (fine + step <= MOST_SESSIONS && isFine(fine + step)) fine += step;
  return fine;
}

function isHeld(result: SimulationResult): boolean {
  return longestGap(result) <= HELD_GAP_MS && result.faces.every(({ restShare }) => restShare < 0.01);
}

/** p99 of the gaps of the session with the longest. */
function longestGap({ faces }: SimulationResult): number {
  return Math.max(
    ...faces.map(({ gapsMs }) => (gapsMs.length === 0 ? Number.POSITIVE_INFINITY : percentile(gapsMs, 0.99))),
  );
}

function fairness({ faces }: SimulationResult): number {
  const rates = faces.map((face) => face.mouthsPerSecond);
  return Math.min(...rates) / median(rates);
}

function beyond(options: Omit<SimulationOptions, 'sessions'>, sessions: number): Beyond {
  const result = simulate({ ...options, sessions, ms: Math.max(options.ms, 60_000) });
  return {
    sessions,
    fairness: fairness(result),
    latePercent: latePercent(result),
    mouthsPerSecond: median(result.faces.map((face) => face.mouthsPerSecond)),
    gapMs: longestGap(result),
  };
}

/** How long after the device stands still the last face rests, and how long after it goes on the last mouth is new. */
function standstill(options: Omit<SimulationOptions, 'sessions'>, sessions: number) {
  const fromMs = 20_000;
  const toMs = fromMs + STANDSTILL_MS;
  const { faces } = simulate({ ...options, sessions, ms: 30_000, standstill: { fromMs, toMs } });
  const lastMouthMs = faces.map(({ mouthsMs }) => mouthsMs.findLast((atMs) => atMs < toMs) ?? fromMs);
  const nextNewMs = faces.map(({ newMs }) => newMs.find((atMs) => atMs >= toMs) ?? Number.POSITIVE_INFINITY);
  return { restMs: Math.max(...lastMouthMs) + FRAME_MS - fromMs, backMs: Math.max(...nextNewMs) - toMs };
}

/** The card becomes half as fast, as when it is hot or another program comes: how soon everybody's mouth follows that. */
function slowdown(options: Omit<SimulationOptions, 'sessions'>, sessions: number) {
  const result = simulate({ ...options, sessions, ms: 60_000, slowdown: { fromMs: 20_000, factor: 2 } });
  return { latePercent: latePercent(result), gapMs: longestGap(result) };
}

function latePercent({ faces }: SimulationResult): number {
  const late = faces.reduce((sum, face) => sum + face.late, 0);
  return (100 * late) / faces.reduce((sum, face) => sum + face.frames, 0);
}
