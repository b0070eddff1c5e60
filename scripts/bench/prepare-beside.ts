import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchRun } from './bench.ts';
import { Clients } from './clients.ts';
import { atMost, formatTable, readable } from './figures.ts';
import { ServerProcess } from './server-process.ts';
import { measure, type ServerWindow } from './server-window.ts';

const TALKING = 4;
const SETTLE_MS = 3_000;
const QUIET_MS = 12_000;
const POLL_MS = 200;
const LIMIT_MS = 120_000;
/** So many times each of two avatars is brought into memory, which has room for one of them. */
const COLD_ROUNDS = 4;
const COLD_PAUSE_MS = 800;
/** The demo avatars take 137 MB, a photo 79, ten seconds of video 98. */
const MEMORY_MB = 240;
/** Pictures beyond those that come late anyway, of a hundred. */
const MOST_MORE_LATE = 0.5;

/**
 * Whether people who talk notice that a photo and a video become avatars, and that avatars come into memory: late pictures before,
 * meanwhile and after in one run, since the machine varies from run to run.
 */
export async function measureBeside(run: BenchRun, folder: string, photo: string, film: string): Promise<void> {
  const settings = {
    limits: { max_sessions: 100, max_connections_per_address: 200 },
    media: { own_folder: join(folder, 'own'), max_memory_mb: MEMORY_MB },
  };
  const server = await ServerProcess.start(run, { settings });
  const clients = new Clients();
  run.atEnd(() => clients.stop());
  await clients.open(server.url, TALKING, { voice: 'speech' });
  await sleep(SETTLE_MS);
  const windows: (readonly [string, ServerWindow])[] = [];
  const watch = async (what: string, during: number | (() => Promise<void>)): Promise<void> => {
    windows.push([what, await measure(server, during)]);
  };
  await watch('nothing else, before', QUIET_MS);
  await watch('a photo is prepared', () => bring(server, 'photo', photo));
  await watch('a video is prepared', () => bring(server, 'video', film));
  await watch('avatars come into memory', () => wakeAvatars(server));
  await watch('nothing else, after', QUIET_MS);
  run.say(`\n${TALKING} people talk while:\n${table(windows)}\n`);
  const quiet = windows.filter((_, i) => i === 0 || i === windows.length - 1).map(([, window]) => latePercent(window));
  const usual = Math.max(...quiet);
  for (const [what, window] of windows.slice(1, -1)) {
    run.figures.add(
      `late pictures while ${what}, beyond the usual`,
      Math.max(0, latePercent(window) - usual),
      '%',
      atMost(MOST_MORE_LATE),
    );
  }
}

/** Uploads a face and waits until it can talk. */
async function bring(server: ServerProcess, id: string, path: string): Promise<void> {
  const form = new FormData();
  for (const [field, value] of Object.entries({ id, name: id, consent: 'The bench: nobody is shown.' }))
    form.append(field, value);
  form.append('file', new Blob([await readFile(path)]), basename(path));
  const response = await fetch(`${server.url}/api/avatars`, { method: 'POST', body: form });
  if (response.status !== 202) throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
  const endMs = performance.now() + LIMIT_MS;
  while (performance.now() < endMs) {
    const avatar = (await (await fetch(`${server.url}/api/avatars/${id}`)).json()) as {
      state: string;
      problem: string | null;
    };
    if (avatar.state === 'ready') return;
    if (avatar.state === 'failed') throw new Error(`${id} was not prepared: ${avatar.problem}`);
    await sleep(POLL_MS);
  }
  throw new Error(`${id} was not ready after ${LIMIT_MS} ms`);
}

/** Opens sessions with avatars that are not in memory, again and again, and closes them. */
async function wakeAvatars(server: ServerProcess): Promise<void> {
  for (let round = 0; round < COLD_ROUNDS; round++) {
    for (const id of ['photo', 'video']) {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ avatar_id: id });
      const response = await fetch(`${server.url}/api/sessions`, { method: 'POST', headers, body });
      if (response.status !== 201)
        throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
      await sleep(COLD_PAUSE_MS);
      await fetch(new URL(response.headers.get('location') ?? '', server.url), { method: 'DELETE' });
    }
  }
}

function latePercent({ counted }: ServerWindow): number {
  const late = counted('frames_late') + counted('frames_failed') + counted('frames_without_memory');
  return (100 * late) / Math.max(1, late + counted('frames_drawn') + counted('frames_closed'));
}

function table(windows: readonly (readonly [string, ServerWindow])[]): string {
  const rows = windows.map(([what, window]) => {
    const gaps = window.spread('frame_gap_ms');
    const numbers = [window.seconds, latePercent(window), gaps.p99, gaps.max, window.spread('step_late_ms').p99];
    return [what, ...numbers.map(readable), window.load];
  });
  const head = ['while', 's', 'late %', 'gap p99 ms', 'gap max ms', 'steps late p99 ms', 'machine'];
  return formatTable([head, ...rows], [1, 2, 3, 4, 5]);
}
