import type { FrameJob, FrameOutcome } from './frame-job.ts';
import type { BatchTime, FromWorker } from './messages.ts';

/** Told once what became of a job; from then on the memory that it lent is its session's again. */
export type Done = (outcome: FrameOutcome) => void;

/** A job that waits or is under way. */
export interface WaitingJob extends FrameJob {
  readonly submittedMs: number;
  readonly done: Done;
}

/** Hands a batch to the thread; `answer` is called with that id when it has been drawn. */
export type SendBatch = (batchId: number, jobs: readonly WaitingJob[]) => void;

export type Inferred = Extract<FromWorker, { readonly type: 'inferred' }>;

/** How many sessions talk, and what each of them gets. */
export interface Sharing {
  /** New mouths a second of each session whose face does not rest. */
  readonly rate: number;
  readonly talking: { readonly all: number; readonly resting: number };
}

/** The jobs of one engine thread: those that wait, those under way, and which go next. Knows nothing of threads. */
export interface JobLine {
  /** How long the job that is due first has waited, ms; 0 when none waits. */
  readonly waitingMs: number;
  /** Whether the thread has left a batch unanswered for too long. */
  readonly isStalled: boolean;
  /** Talking sessions that the thread carries, as measured; null where nobody measured. */
  readonly capacity: number | null;
  /** How the thread is shared out among the sessions that talk; null where that is not measured. */
  readonly sharing: Sharing | null;
  /** The thread is ready to draw, at first or again. @param times How long its batches took to warm up; empty for an engine without. */
  start(times: readonly BatchTime[]): void;
  add(job: FrameJob, done: Done): void;
  /** Takes the thread's answer to a batch. */
  answer(message: Inferred): void;
  endSession(sessionId: string): void;
  /** The thread is gone: everything that waits or is under way has failed, and nothing is to be sent before the next `start`. */
  failAll(): void;
}
