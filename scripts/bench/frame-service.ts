import { setTimeout as sleep } from 'node:timers/promises';
import { engineSpec } from '../../server/engines/registry.ts';
import type { Bench, BenchRun } from './bench.ts';
import { atMost, formatTable, readable, within } from './figures.ts';
import { type FrameClientFigures, FrameClients } from './frame-clients.ts';
import { cpuMs } from './processes.ts';
import { ServerProcess } from './server-process.ts';
import { measure, type ServerWindow } from './server-window.ts';
import { percentile } from './statistics.ts';

const STEPS = [2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32];
const QUICK_STEPS = [2, 6, 10];
const SETTLE_MS = 3_000;
const HOLD_MS = 12_000;
const QUICK_HOLD_MS = 5_000;
/** One session that is watched for the rate of its pictures. */
const LONG_MS = 600_000;
const QUICK_LONG_MS = 20_000;
/** Sessions that begin and end for the time to the first picture. */
const BEGINNINGS = 20;
const QUICK_BEGINNINGS = 6;
/** With this many clients, base64 and binary are compared. */
const COMPARED = 4;
const GAP_LIMIT_MS = 60;
const LATE_LIMIT = 0.01;
const GROWTH_LIMIT = 2;
/** Pictures that a few seconds may have more or less at their ends, in pictures per second. */
const RATE_TOLERANCE = 0.3;
/** When other programs took more of the machine than this and a step does not hold, it is measured again, so many times. */
const QUIET_SHARE = 0.1;
const ATTEMPTS = 4;
const SETTINGS = {
  limits: { max_sessions: 100, max_connections_per_address: 200 },
  frame_service: { max_messages_per_second: 1000 },
};

interface Window {
  readonly server: ServerWindow;
  readonly clients: FrameClientFigures;
  /** CPU of the clients' process, as a share of a core. */
  readonly clientShare: number;
}

export const frameService: Bench = {
  name: 'frame-service',
  summary:
    'how many clients of the frame service can talk at once, how soon they see what they say, and what base64 costs',
  async run(run) {
    const { features } = await engineSpec({ id: 'embedded', moduleUrl: null });
    const server = await ServerProcess.start(run, { settings: SETTINGS });
    const clients = new FrameClients();
    run.atEnd(() => clients.stop());
    await beginnings(run, server, clients);
    await compare(run, server, clients);
    await ramp(run, server, clients, features.lookAheadMs + 80);
    await clients.close();
    await watchLong(run, server, clients, features.lookAheadMs + 80);
  },
};

/** From INIT to the first picture. */
async function beginnings(run: BenchRun, server: ServerProcess, clients: FrameClients): Promise<void> {
  // What is loaded once and kept is not part of it.
  await clients.open(server.url, 1, { isBinary: false });
  await clients.close();
  const firstMs: number[] = [];
  for (let i = 0; i < (run.isQuick ? QUICK_BEGINNINGS : BEGINNINGS); i += 1) {
    firstMs.push(...(await clients.open(server.url, 1, { isBinary: i % 2 === 1 })));
    await clients.close();
  }
  run.figures.add('first picture after INIT, median', percentile(firstMs, 0.5), 'ms');
  run.figures.add('first picture after INIT, longest', percentile(firstMs, 1), 'ms', atMost(500));
}

/** The same talkers with base64 and without. */
async function compare(run: BenchRun, server: ServerProcess, clients: FrameClients): Promise<void> {
  const [text, binary] = [await watch(run, server, clients, false), await watch(run, server, clients, true)];
  for (const [name, { server: window, clients: seen, clientShare }] of [
    ['base64', text],
    ['binary', binary],
  ] as const) {
    run.figures.add(`${name}: pictures`, seen.kbitPerSecond, 'kbit/s a client');
    run.figures.add(`${name}: CPU of the server a client`, (100 * window.cpuShare) / COMPARED, '% of a core');
    run.figures.add(`${name}: CPU of a client`, (100 * clientShare) / COMPARED, '% of a core');
  }
  // Pictures are never quite the same twice: how many bytes go out for each byte of picture is.
  const overhead = ({ server: window, clients: seen }: Window): number =>
    (seen.kbitPerSecond * COMPARED * window.seconds) / ((window.counted('video_bytes_sent') * 8) / 1000);
  run.figures.add('bytes sent for a byte of picture, base64', overhead(text), '');
  run.figures.add('bytes sent for a byte of picture, binary', overhead(binary), '', atMost(1.1));
}

async function watch(run: BenchRun, server: ServerProcess, clients: FrameClients, isBinary: boolean): Promise<Window> {
  await clients.open(server.url, COMPARED, { isBinary });
  const window = await look(server, clients, run.isQuick ? QUICK_HOLD_MS : HOLD_MS);
  run.say(`${COMPARED} with ${isBinary ? 'binary' : 'base64'}: ${window.server.load}`);
  await clients.close();
  return window;
}

/** Adds talkers step by step until two steps in a row are too much. */
async function ramp(run: BenchRun, server: ServerProcess, clients: FrameClients, delayGoalMs: number): Promise<void> {
  const steps: Window[] = [];
  let count = 0;
  for (const wanted of run.isQuick ? QUICK_STEPS : STEPS) {
    await clients.open(server.url, wanted - count, { isBinary: false });
    count = wanted;
    steps.push(await measureStep(run, server, clients));
    if (steps.slice(-2).filter((each) => !holds(each)).length === 2) break;
  }
  run.say(`\n${table(steps)}\n`);
  const best = steps.filter(holds).at(-1);
  run.figures.add('talking sessions at 25 pictures a second', best?.clients.clients ?? 0, '');
  run.figures.add('gap between pictures there, client p99', best?.clients.gapP99Ms ?? Number.NaN, 'ms');
  const few = steps.find(({ clients: { clients: talkers } }) => talkers >= COMPARED) ?? steps[0];
  run.figures.add(
    `sound in to picture out, median, ${few.clients.clients} talking`,
    few.clients.soundToPictureP50Ms,
    'ms',
  );
  run.figures.add('sound in to picture out, p95', few.clients.soundToPictureP95Ms, 'ms', atMost(delayGoalMs));
}

async function measureStep(run: BenchRun, server: ServerProcess, clients: FrameClients): Promise<Window> {
  for (let attempt = 1; ; attempt += 1) {
    const step = await look(server, clients, run.isQuick ? QUICK_HOLD_MS : HOLD_MS);
    const isSpoiled = !holds(step) && step.server.othersShare > QUIET_SHARE && attempt < ATTEMPTS;
    const verdict = holds(step) ? 'holds' : 'too much';
    run.say(`${step.clients.clients} talking: ${verdict}; ${step.server.load}${isSpoiled ? '; once more' : ''}`);
    if (!isSpoiled) return step;
  }
}

/** One session for long: the rate of its pictures. */
async function watchLong(run: BenchRun, server: ServerProcess, clients: FrameClients, goalMs: number): Promise<void> {
  await clients.open(server.url, 1, { isBinary: true });
  const { server: window, clients: seen } = await look(server, clients, run.isQuick ? QUICK_LONG_MS : LONG_MS);
  run.say(`one talking for ${readable(window.seconds)} s: ${window.load}`);
  await clients.close();
  const { figures } = run;
  figures.add(`pictures per second over ${readable(window.seconds)} s`, seen.slowestFps, '', within(24.9, 25.1));
  figures.add('pictures that never came', seen.missing, '', atMost(0));
  figures.add('pictures from IDR to IDR, most', seen.longestKeyFrameGap, '', atMost(25));
  figures.add('sound in to picture out, p95, one talking', seen.soundToPictureP95Ms, 'ms', atMost(goalMs));
}

async function look(server: ServerProcess, clients: FrameClients, durationMs: number): Promise<Window> {
  await sleep(SETTLE_MS);
  await clients.reset();
  const clientBeforeMs = cpuMs(clients.pid);
  const window = await measure(server, durationMs);
  const clientShare = (cpuMs(clients.pid) - clientBeforeMs) / (window.seconds * 1000);
  return { server: window, clients: await clients.figures(), clientShare };
}

function holds({ server, clients }: Window): boolean {
  return (
    clients.gapP99Ms <= GAP_LIMIT_MS &&
    Math.abs(clients.slowestFps - 25) <= RATE_TOLERANCE &&
    clients.latenessGrowth <= GROWTH_LIMIT &&
    clients.missing === 0 &&
    clients.ended === 0 &&
    clients.errors === 0 &&
    lateShare(server) <= LATE_LIMIT
  );
}

/** Pictures that came too late to be shown, or failed: the one before stands in for them. */
function lateShare({ counted }: ServerWindow): number {
  const replaced = counted('frames_late') + counted('frames_failed') + counted('frames_without_memory');
  return replaced / Math.max(1, replaced + counted('frames_drawn') + counted('frames_closed'));
}

function table(steps: readonly Window[]): string {
  const head = [
    'clients',
    'fps',
    'gap p99',
    'gap max',
    'sound to picture p95',
    'late %',
    'CPU %',
    'kbit/s',
    'MB',
    'holds',
  ];
  const rows = steps.map((step) => {
    const { server, clients } = step;
    const numbers = [
      clients.clients,
      clients.slowestFps,
      clients.gapP99Ms,
      clients.gapMaxMs,
      clients.soundToPictureP95Ms,
      100 * lateShare(server),
      100 * server.cpuShare,
      clients.kbitPerSecond,
      server.residentMb,
    ];
    return [...numbers.map(readable), holds(step) ? 'yes' : 'NO'];
  });
  const right = head.map((_, column) => column).slice(0, -1);
  return formatTable([head, ...rows], right);
}
