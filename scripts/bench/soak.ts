import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import type { Bench, BenchRun } from './bench.ts';
import { Clients } from './clients.ts';
import { atMost, readable } from './figures.ts';
import { MachineLoad, residentMb } from './processes.ts';
import { type Resources, ServerProcess } from './server-process.ts';
import { measure } from './server-window.ts';
import { linearFit } from './statistics.ts';

const CYCLES = 500;
const QUICK_CYCLES = 40;
/** Viewers that come, talk and go together. */
const TOGETHER = 4;
const TALK_MS = 1_500;
/** Cycles from one look at the memory to the next. */
const LOOK_EVERY = 20;
/** Before the memory is looked at, what the last cycles left is closed and collected. */
const SETTLE_MS = 1_500;
const IDLE_MS = 10_000;
/** Talkers at once, to see what each adds. */
const CROWD = 8;
const CROWD_MS = 10_000;
const REPOSITORY = join(import.meta.dirname, '../..');

export const soak: Bench = {
  name: 'soak',
  summary: 'whether anything is left behind when people come, talk and go, and what memory and CPU the server takes',
  async run(run) {
    const server = await startWithTwoAvatars(run);
    const clients = new Clients();
    run.atEnd(() => clients.stop());
    // What is made once and kept, by libraries for instance, is not left behind by the cycles.
    await cycle(server, clients);
    await sleep(SETTLE_MS);
    const before = await server.resources();
    const idleMb = residentMb(server.pid);
    const crowdMb = await crowd(run, server, clients);
    const slopeKb = await cycles(run, server, clients);
    const idle = await measure(server, IDLE_MS);
    const after = await server.resources();
    run.say(`idle: ${idle.load}; resources before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);

    const { figures } = run;
    figures.add('RSS growth per cycle', slopeKb, 'KB', atMost(20));
    figures.add('sessions left', (await server.figures()).gauges.sessions ?? Number.NaN, '', atMost(0));
    figures.add('resources left', countNew(before, after), '', atMost(0));
    figures.add('idle CPU', 100 * idle.cpuShare, '% of a core', atMost(1));
    figures.add('RSS with two avatars', idleMb, 'MB', atMost(450));
    figures.add('RSS per talking session', crowdMb, 'MB', atMost(15));
  },
};

async function startWithTwoAvatars(run: BenchRun): Promise<ServerProcess> {
  const all = parse(readFileSync(join(REPOSITORY, 'configs/inference/realtime.yaml'), 'utf8')) as object;
  const folder = mkdtempSync(join(tmpdir(), 'musecast-bench-'));
  run.atEnd(async () => rmSync(folder, { recursive: true, force: true }));
  const avatarsFile = join(folder, 'avatars.yaml');
  writeFileSync(avatarsFile, stringify(Object.fromEntries(Object.entries(all).slice(0, 2))));
  return ServerProcess.start(run, { avatarsFile });
}

/** Some viewers come, talk for a moment and go. */
async function cycle(server: ServerProcess, clients: Clients): Promise<void> {
  await clients.open(server.url, TOGETHER, { voice: 'speech' });
  await sleep(TALK_MS);
  await clients.close();
}

/**
 * @returns RSS growth in KB per viewer that came and went, fitted over what comes after the first fifth, in which libraries
 *   make what they keep. Memory goes back to the system in steps of some MB, a hundred cycles and more apart: a fit over less
 *   would measure one tooth of a saw.
 */
async function cycles(run: BenchRun, server: ServerProcess, clients: Clients): Promise<number> {
  const wanted = run.isQuick ? QUICK_CYCLES : CYCLES;
  const load = new MachineLoad();
  const looks: [cycles: number, rssKb: number][] = [];
  for (let done = 0; done < wanted; done += TOGETHER) {
    await cycle(server, clients);
    if ((done + TOGETHER) % LOOK_EVERY !== 0) continue;
    await sleep(SETTLE_MS);
    await server.resources();
    looks.push([done + TOGETHER, residentMb(server.pid) * 1000]);
    run.say(`${done + TOGETHER} of ${wanted} cycles: RSS ${readable(residentMb(server.pid))} MB`);
  }
  run.say(load.describe());
  return linearFit(looks.slice(Math.floor(looks.length / 5))).slope;
}

/** @returns MB that each of several talkers at once adds. */
async function crowd(run: BenchRun, server: ServerProcess, clients: Clients): Promise<number> {
  const beforeMb = residentMb(server.pid);
  await clients.open(server.url, CROWD, { voice: 'speech' });
  await sleep(CROWD_MS);
  const withMb = residentMb(server.pid);
  await clients.close();
  await sleep(SETTLE_MS);
  run.say(`RSS ${readable(beforeMb)} MB, with ${CROWD} talking ${readable(withMb)} MB`);
  return (withMb - beforeMb) / CROWD;
}

/** Resources that are there now and were not before. */
function countNew(before: Resources, after: Resources): number {
  return Object.entries(after).reduce((sum, [kind, count]) => sum + Math.max(0, count - (before[kind] ?? 0)), 0);
}
