import { answerApart } from './answer-apart.ts';
import { type PreparationJob, prepareClips } from './prepare-clips.ts';

/** A file that makes a decoder ask for more than this is not worth it; the largest sources that are allowed need half. */
const MAX_MEMORY_BYTES = 1_200_000_000;

answerApart(
  (job: PreparationJob, onProgress) => prepareClips(job, onProgress),
  MAX_MEMORY_BYTES,
  ({ avatarId }) =>
    `Avatar ${avatarId}: its preparation needs more than ${MAX_MEMORY_BYTES / 1e6} MB of memory. Use smaller pictures.`,
);
