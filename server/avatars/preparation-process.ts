import { describeError, type ErrorCode } from '../errors.ts';
import { AvatarRefused, type AvatarReport } from './avatar-report.ts';
import { type PreparationJob, type PreparedClips, prepareClips } from './prepare-clips.ts';

/** What the process tells. `done` or `failed` comes last. */
export type FromPreparation =
  | { readonly type: 'progress'; readonly share: number }
  | { readonly type: 'done'; readonly prepared: PreparedClips }
  | {
      readonly type: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      /** Null if nothing is known about the pictures. */
      readonly report: AvatarReport | null;
    };

/** @returns When the message has left: a process that ends earlier takes it along. */
const tell = (message: FromPreparation) => new Promise((resolve) => process.send?.(message, resolve));

/** A file that makes a decoder ask for more than this is not worth it; the largest sources that are allowed need half. */
const MAX_MEMORY_BYTES = 1_200_000_000;
const WATCH_INTERVAL_MS = 100;

process.once('message', async (job: PreparationJob) => {
  const watch = setInterval(async () => {
    if (process.memoryUsage.rss() < MAX_MEMORY_BYTES) return;
    clearInterval(watch);
    const message = `Avatar ${job.avatarId}: its preparation needs more than ${MAX_MEMORY_BYTES / 1e6} MB of memory. Use smaller pictures.`;
    await tell({ type: 'failed', code: 'media_unreadable', message, report: null });
    process.exit(1);
  }, WATCH_INTERVAL_MS);
  try {
    const prepared = await prepareClips(job, (share) => tell({ type: 'progress', share }));
    await tell({ type: 'done', prepared });
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
