import { fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { AppError } from '../errors.ts';
import { AvatarRefused, type AvatarReport } from './avatar-report.ts';

/** What a process that {@link runApart} started tells. `done` or `failed` comes last. */
export type FromApart<Result> =
  | { readonly type: 'progress'; readonly share: number }
  | { readonly type: 'done'; readonly result: Result }
  | {
      readonly type: 'failed';
      readonly code: AppError['code'];
      readonly message: string;
      /** Null if nothing is known about the pictures. */
      readonly report: AvatarReport | null;
    };

/** Sessions that run come first. */
const NICENESS = 19;

export interface ApartOptions {
  /** Module that takes the job as its first message and answers with {@link FromApart}. */
  readonly process: URL;
  /** Called with 0..1. */
  readonly onProgress: (share: number) => void;
  readonly signal?: AbortSignal;
  readonly maxSeconds: number;
  /** Made if it takes longer. */
  readonly tooSlow: () => Error;
  /** Made if it ends without an answer; `how` is a signal or an exit code. */
  readonly crashed: (how: string | number | null) => Error;
}

/**
 * Does a job in a process of its own: it takes its memory with it when it ends, and a file that brings a decoder down does not
 * bring the server down.
 *
 * @throws {AppError} What the process failed with; the reason of the signal if that is aborted.
 */
export function runApart<Job extends object, Result>(job: Job, options: ApartOptions): Promise<Result> {
  const { onProgress, signal, maxSeconds, tooSlow, crashed } = options;
  return new Promise((resolve, reject) => {
    // One thread beside the main one is enough for its rubbish: a core must stay free for those who talk.
    const child = fork(options.process, { execArgv: ['--v8-pool-size=1'] });
    let result: { readonly value: Result } | null = null;
    let failure: Error | null = null;
    // Nothing in it is worth a goodbye: its folder is removed by whoever made it.
    const end = () => child.kill('SIGKILL');
    signal?.addEventListener('abort', end, { once: true });
    const overtime = setTimeout(() => {
      failure = tooSlow();
      end();
    }, maxSeconds * 1000);
    // A process that has ended already needs no priority.
    child.once('spawn', () => child.pid && lowerPriority(child.pid));
    child.on('message', (message: FromApart<Result>) => {
      if (message.type === 'progress') onProgress(message.share);
      else if (message.type === 'done') result = { value: message.result };
      else failure = failureOf(message);
    });
    child.on('error', (error) => {
      failure ??= error;
    });
    child.on('close', (code, how) => {
      clearTimeout(overtime);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(signal.reason);
      else if (result) resolve(result.value);
      else reject(failure ?? crashed(how ?? code));
    });
    child.send(job, () => {});
  });
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, NICENESS);
  } catch {
    // It has ended already, or the system does not allow it; neither is a reason to stop.
  }
}

function failureOf({ code, message, report }: FromApart<unknown> & { type: 'failed' }): AppError {
  return report ? new AvatarRefused(code, message, report) : new AppError(code, message);
}
