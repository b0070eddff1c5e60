import { createInterface } from 'node:readline/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { AppError } from '../server/errors.ts';
import { carryOutFetch, readFetchOrder } from '../server/models/fetch/fetch-command.ts';
import type { ManifestFile } from '../server/models/fetch/manifest.ts';
import { MUSETALK_MANIFEST } from '../server/models/fetch/musetalk-manifest.ts';
import { progressBar } from '../server/progress-bar.ts';

// Fetches the published files that a model is converted from.

const STALL_MS = 60_000;
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort(new AppError('timeout', 'Stopped. Run it again to go on.')));

async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(question, { signal: interrupt.signal })).trim());
  } finally {
    terminal.close();
  }
}

/** One bar per file. */
function bars(): (file: ManifestFile, share: number) => void {
  const bar = new Map<ManifestFile, (share: number) => void>();
  return (file, share) => {
    const known = bar.get(file) ?? progressBar(file.path);
    bar.set(file, known);
    known(share);
  };
}

try {
  const order = readFetchOrder(process.argv.slice(2), { musetalk: MUSETALK_MANIFEST });
  const terminal = { say: (text: string) => process.stdout.write(text), ask: process.stdin.isTTY ? ask : null };
  await carryOutFetch(order, terminal, {
    signal: interrupt.signal,
    stallMs: STALL_MS,
    wait: (ms, signal) => wait(ms, undefined, { signal }),
    onProgress: bars(),
  });
} catch (error) {
  // One line for what can be put right by whoever typed the command, everything for what cannot.
  console.error(error instanceof AppError ? error.message : error);
  process.exitCode = 1;
}
