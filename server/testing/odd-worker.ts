/** A process for `runApart` that does what its job says. */
import { answerApart } from '../avatars/answer-apart.ts';

export interface OddJob {
  /** `work` doubles a number, `sleep` never ends, `grow` takes more and more memory, `die` ends without a word. */
  readonly what: 'work' | 'sleep' | 'grow' | 'die';
  readonly number: number;
}

/** More than a Node process takes that does nothing. */
const MAX_MEMORY_BYTES = 200_000_000;
const BLOCK_BYTES = 10_000_000;
const BLOCK_MS = 20;

answerApart(
  async ({ what, number }: OddJob, onProgress) => {
    onProgress(0.5);
    if (what === 'die') process.kill(process.pid, 'SIGKILL');
    if (what === 'work') return 2 * number;
    const blocks: Uint8Array[] = [];
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, BLOCK_MS));
      if (what === 'grow') blocks.push(new Uint8Array(BLOCK_BYTES).fill(1));
    }
  },
  MAX_MEMORY_BYTES,
  () => 'It needs too much memory.',
);
