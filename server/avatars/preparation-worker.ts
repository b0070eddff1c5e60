import { parentPort, workerData } from 'node:worker_threads';
import { describeError } from '../errors.ts';
import { type PreparationJob, type PreparedClips, prepareClips } from './prepare-clips.ts';

/** What the worker tells. `done` or `failed` comes last. */
export type FromPreparation =
  | { readonly type: 'progress'; readonly share: number }
  | { readonly type: 'done'; readonly prepared: PreparedClips }
  | { readonly type: 'failed'; readonly code: ReturnType<typeof describeError>['code']; readonly message: string };

const port = parentPort;
if (!port) throw new TypeError('preparation-worker.ts runs as a worker');
const tell = (message: FromPreparation) => port.postMessage(message);

try {
  const prepared = await prepareClips(workerData as PreparationJob, (share) => tell({ type: 'progress', share }));
  tell({ type: 'done', prepared });
} catch (error) {
  const { code, message } = describeError(error);
  // The whole error stays in this process: preparation runs at start or for an operator, never for a stranger.
  tell({ type: 'failed', code, message: code === 'internal' ? String(error) : message });
}
