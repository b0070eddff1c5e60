import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

/** Ticks of /proc's CPU times per second (proc(5): USER_HZ, 100 on every Linux of today). */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

interface Stat {
  readonly name: string;
  readonly parent: number;
  readonly cpuMs: number;
  /** CPU time of children that have ended. */
  readonly endedChildrenCpuMs: number;
  readonly residentBytes: number;
}

/** CPU time that process `pid` has used so far, all threads, in ms. Linux only. */
export function cpuMs(pid: number): number {
  return readStat(`/proc/${pid}`).cpuMs;
}

/** Memory of process `pid` that is in RAM, in MB (10⁶ bytes). Linux only. */
export function residentMb(pid: number): number {
  return readStat(`/proc/${pid}`).residentBytes / 1e6;
}

/** CPU time in ms that each kind of thread of process `pid` has used so far, by thread name. Linux only. */
export function threadCpuMs(pid: number): Map<string, number> {
  const sums = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = tryStat(`/proc/${pid}/task/${thread}`);
    if (!stat) continue;
    const name = Number(thread) === pid ? 'main' : stat.name;
    sums.set(name, (sums.get(name) ?? 0) + stat.cpuMs);
  }
  return sums;
}

/** Measures how busy the machine is, and how much of that is not ours: a noisy neighbour spoils a measurement. */
export class MachineLoad {
  #since = sample();

  /** Starts anew. */
  reset(): void {
    this.#since = sample();
  }

  /** Since the start or {@link reset}, each as a share (0..1) of all cores. */
  read(): { readonly busy: number; readonly others: number } {
    const now = sample();
    const wallMs = (now.atMs - this.#since.atMs) * availableParallelism();
    const busy = (now.busyMs - this.#since.busyMs) / wallMs;
    return { busy, others: Math.max(0, busy - (now.ownMs - this.#since.ownMs) / wallMs) };
  }

  /** One line for people. */
  describe(): string {
    const { busy, others } = this.read();
    return `machine busy ${Math.round(busy * 100)} %, by other processes ${Math.round(others * 100)} %`;
  }
}

function sample(): { atMs: number; busyMs: number; ownMs: number } {
  const busyMs = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  return { atMs: performance.now(), busyMs, ownMs: ownTreeCpuMs() };
}

/** CPU time of this process and all its descendants, those included that have ended. */
function ownTreeCpuMs(): number {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? tryStat(`/proc/${name}`) : null;
    if (stat) stats.set(Number(name), stat);
  }
  const isOurs = (pid: number): boolean => {
    for (let at: number | undefined = pid; at; at = stats.get(at)?.parent) if (at === process.pid) return true;
    return false;
  };
  let sumMs = 0;
  for (const [pid, stat] of stats) if (isOurs(pid)) sumMs += stat.cpuMs + stat.endedChildrenCpuMs;
  return sumMs;
}

/** A process or thread may end while one looks. */
function tryStat(folder: string): Stat | null {
  try {
    return readStat(folder);
  } catch {
    return null;
  }
}

/** Reads proc(5) `stat`; the name stands in brackets and may hold anything. */
function readStat(folder: string): Stat {
  const text = readFileSync(`${folder}/stat`, 'utf8');
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const ticks = (first: number, second: number): number =>
    ((Number(fields[first]) + Number(fields[second])) * 1000) / TICKS_PER_SECOND;
  return {
    name: text.slice(text.indexOf('(') + 1, end),
    parent: Number(fields[1]),
    cpuMs: ticks(11, 12),
    endedChildrenCpuMs: ticks(13, 14),
    residentBytes: Number(fields[21]) * PAGE_BYTES,
  };
}
