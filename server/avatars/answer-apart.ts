import { describeError } from '../errors.ts';
import { AvatarRefused } from './avatar-report.ts';
import type { FromApart } from './run-apart.ts';

const WATCH_INTERVAL_MS = 100;

/**
 * The other side of `runApart`: does the one job that this process was started for, tells how it goes, and ends.
 *
 * @param maxMemoryBytes More than this is not worth any job; null for no limit.
 * @param tooLarge What is told then.
 */
export function answerApart<Job extends object, Result>(
  work: (job: Job, onProgress: (share: number) => void) => Promise<Result>,
  maxMemoryBytes: number | null,
  tooLarge: (job: Job) => string,
): void {
  // Settles when the message has left: a process that ends earlier takes it along.
  const tell = (message: FromApart<Result>) => new Promise((resolve) => process.send?.(message, resolve));

  process.once('message', async (job: Job) => {
    const watch = setInterval(async () => {
      if (maxMemoryBytes === null || process.memoryUsage.rss() < maxMemoryBytes) return;
      clearInterval(watch);
      await tell({ type: 'failed', code: 'media_unreadable', message: tooLarge(job), report: null });
      process.exit(1);
    }, WATCH_INTERVAL_MS);
    try {
      const result = await work(job, (share) => tell({ type: 'progress', share }));
      await tell({ type: 'done', result });
    } catch (error) {
      const { code, message } = describeError(error);
      // What was not foreseen is told whole: only whoever runs the server reads it.
      const report = error instanceof AvatarRefused ? error.report : null;
      await tell({ type: 'failed', code, message: code === 'internal' ? String(error) : message, report });
    } finally {
      clearInterval(watch);
      process.disconnect();
    }
  });
  // Nobody waits for the result any more.
  process.once('disconnect', () => process.exit());
}
