import type { BatchTimes } from './batch-times.ts';

/** A job that may go into the next batch. */
export interface Candidate {
  readonly sessionId: string;
  readonly dueMs: number;
  /** Whether it is the first mouth of an utterance. */
  readonly isFirst: boolean;
  /** When its session was last sent a job for, ms; `-Infinity` for never. */
  readonly servedMs: number;
}

export interface BatchChoice<Job> {
  /** What to send; empty if nothing can be in time. */
  readonly batch: readonly Job[];
  /** What cannot be in time any more, even alone. */
  readonly late: readonly Job[];
}

/** From a batch's last picture to the session that waits for it: a message and, at times, another session's step before it. */
const MARGIN_MS = 2;

/**
 * Says what a device does next: first words alone, then the earliest deadlines, as many together as makes the most of the device
 * and is in time. Where there are more than go into one batch, sessions take turns.
 *
 * @param waiting Earliest deadline first.
 * @param startMs When the device can begin.
 * @param most Most jobs of a batch.
 */
export function chooseBatch<Job extends Candidate>(
  waiting: readonly Job[],
  startMs: number,
  times: BatchTimes,
  most = times.largest,
): BatchChoice<Job> {
  const thereMs = (count: number): number => startMs + times.ms(count) + MARGIN_MS;
  const late = waiting.filter(({ dueMs }) => dueMs < thereMs(1));
  const possible = waiting.filter(({ dueMs }) => dueMs >= thereMs(1));
  // First words that come at once share a batch among themselves: one after the other, the last would wait for all.
  const first = possible.filter(({ isFirst }) => isFirst);
  const pool = first.length > 0 ? first : possible;
  const inTurn = pool.length > most ? takingTurns(pool) : pool;
  let batch: readonly Job[] = [];
  let bestRate = 0;
  for (const size of times.sizes) {
    const count = Math.min(size, most);
    const inTime = inTurn.filter(({ dueMs }) => dueMs >= thereMs(count)).slice(0, count);
    const rate = inTime.length / times.ms(inTime.length);
    if (inTime.length <= batch.length || rate <= bestRate) continue;
    batch = inTime;
    bestRate = rate;
  }
  return { batch, late };
}

/** The sessions that have waited longest first, and no session twice before each has had its turn. */
function takingTurns<Job extends Candidate>(jobs: readonly Job[]): readonly Job[] {
  const turns = new Map<string, number>();
  const ranked = jobs.map((job) => {
    const turn = turns.get(job.sessionId) ?? 0;
    turns.set(job.sessionId, turn + 1);
    return { job, turn };
  });
  ranked.sort((a, b) => a.turn - b.turn || a.job.servedMs - b.job.servedMs || a.job.dueMs - b.job.dueMs);
  return ranked.map(({ job }) => job);
}
