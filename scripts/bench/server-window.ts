import { setTimeout as sleep } from 'node:timers/promises';
import type { HistogramSummary } from '../../server/metrics.ts';
import { cpuMs, MachineLoad, residentMb, threadCpuMs } from './processes.ts';
import type { ServerProcess } from './server-process.ts';

/** What a server did in one stretch of time. */
export interface ServerWindow {
  readonly seconds: number;
  /** Of one core, 1 and more. */
  readonly cpuShare: number;
  /** The same by thread name, largest first. */
  readonly threadShares: readonly (readonly [name: string, share: number])[];
  readonly residentMb: number;
  /** What was counted in this time. */
  readonly counted: (name: string) => number;
  /** What was measured in this time; zeros if nothing. */
  readonly spread: (name: string) => HistogramSummary;
  /** Share of all cores that programs other than the bench took, 0..1. */
  readonly othersShare: number;
  /** How busy the machine was, in words. */
  readonly load: string;
}

const NOTHING: HistogramSummary = { count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 };

/** Measures a running server for `durationMs`, or while something is done. */
export async function measure(server: ServerProcess, during: number | (() => Promise<void>)): Promise<ServerWindow> {
  const load = new MachineLoad();
  await server.resetHistograms();
  const before = { ...(await look(server)), atMs: performance.now() };
  if (typeof during === 'number') await sleep(during);
  else await during();
  const after = await look(server);
  const wallMs = performance.now() - before.atMs;
  const threadShares = [...after.threads]
    .map(([name, used]) => [name, (used - (before.threads.get(name) ?? 0)) / wallMs] as const)
    .sort(([, a], [, b]) => b - a);
  return {
    seconds: wallMs / 1000,
    cpuShare: (after.cpu - before.cpu) / wallMs,
    threadShares,
    residentMb: residentMb(server.pid),
    counted: (name) => (after.figures.counters[name] ?? 0) - (before.figures.counters[name] ?? 0),
    spread: (name) => after.figures.histograms[name] ?? NOTHING,
    othersShare: load.read().others,
    load: load.describe(),
  };
}

async function look(server: ServerProcess) {
  return { figures: await server.figures(), cpu: cpuMs(server.pid), threads: threadCpuMs(server.pid) };
}
