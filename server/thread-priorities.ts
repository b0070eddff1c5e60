import { readdir, readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';

/*
 * Who goes first where processors are short: the main thread, whose sound and sockets must not come late; then pictures on their way
 * out; then pictures that are yet to be drawn. In steps of niceness (nice(2)). Linux keeps it for each thread, elsewhere it would be
 * the whole process's: nothing is done there.
 */
const ENCODING_NICENESS = 5;
const DRAWING_NICENESS = 8;

const THREADS = '/proc/self/task';
/** What libuv calls the threads of its pool, in which pictures are encoded. */
const POOL_THREAD = 'libuv-worker';

/** Lets the calling thread, which draws, wait for all others. */
export function drawLast(): void {
  if (process.platform === 'linux') setPriority(DRAWING_NICENESS);
}

/**
 * Lets the threads that encode wait for the main thread. Call it once, in any thread.
 * @returns How many there are; 0 where threads have no priority of their own.
 */
export async function encodeAfterSound(): Promise<number> {
  if (process.platform !== 'linux') return 0;
  let found = 0;
  // Reading is done in the pool: from here on all of its threads are there.
  for (const thread of await readdir(THREADS)) {
    // A thread of another kind may end meanwhile.
    const name = await readFile(`${THREADS}/${thread}/comm`, 'utf8').catch(() => '');
    if (name.trim() !== POOL_THREAD) continue;
    setPriority(Number(thread), ENCODING_NICENESS);
    found += 1;
  }
  return found;
}
