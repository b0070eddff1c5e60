/** How a program of Node's is started. */
export interface ProcessStart {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For Node and V8, before the program's name. */
  readonly flags: readonly string[];
}

/**
 * What glibc's malloc is told (mallopt(3)); it listens only while a process starts.
 *
 * Left alone it keeps an arena for each of the many threads that encode pictures, and the memory that one viewer leaves in an
 * arena is of no use to the next. One serves all: threads seldom want memory at the same instant. Large blocks (an encoder's
 * pictures) shall not come from it at all: between small blocks that stay, the holes that they leave are not returned and
 * seldom fit again. Blocks of 128 KiB and more are mapped one by one and given back when they are freed; the 64 KiB that libuv
 * takes for each datagram stay below that. The arena's end is given back in steps of 1 MiB, so that it is not moved all the time.
 */
const MALLOC = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: String(128 * 1024),
  MALLOC_TRIM_THRESHOLD_: String(1024 * 1024),
} as const;

/**
 * V8's memory for young objects, in MB; it takes three times as much. Left alone it grows to 32 and keeps the pages ever after,
 * although what a session makes dies within milliseconds; collections of less memory are shorter as well.
 */
const YOUNG_OBJECTS = '--max-semi-space-size=8';

/**
 * By how many percent the memory for old objects may grow before V8 collects there again. What was sent is kept for a second or two, so
 * that it can be sent again, and grows old: left alone, V8 collects every two seconds while people talk, each time with a pause of up to
 * 20 ms. The 40 MB or so that it may take instead are little beside the avatars.
 */
const OLD_OBJECTS = '--heap-growing-percent=100';

/**
 * Says how a process has to be started so that the memory of viewers who left serves those who come, and collecting it seldom
 * holds anybody up. Settings that somebody made, in the environment or by flags, are kept.
 *
 * @returns `start` with what was missing; null if nothing was.
 */
export function frugalStart({ env, flags }: ProcessStart): ProcessStart | null {
  const missing = Object.entries(MALLOC).filter(([name]) => env[name] === undefined);
  const given = [...flags, env.NODE_OPTIONS ?? ''].join(' ').replaceAll('_', '-');
  const missingFlags = [YOUNG_OBJECTS, OLD_OBJECTS].filter((flag) => !given.includes(flag.split('=')[0]));
  if (missing.length === 0 && missingFlags.length === 0) return null;
  return { env: { ...env, ...Object.fromEntries(missing) }, flags: [...flags, ...missingFlags] };
}
