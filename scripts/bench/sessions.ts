import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, BenchRun } from './bench.ts';
import { type ClientFigures, Clients, type Voice } from './clients.ts';
import { atLeast, atMost, formatTable, readable } from './figures.ts';
import { cpuMs } from './processes.ts';
import { ServerProcess } from './server-process.ts';
import { measure, type ServerWindow } from './server-window.ts';

const STEPS = [2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32];
const QUICK_STEPS = [2, 6, 10];
const SETTLE_MS = 3_000;
const HOLD_MS = 12_000;
const QUICK_HOLD_MS = 5_000;
const GAP_LIMIT_MS = 60;
/** A picture that is replaced by the one before it keeps the gaps even, so it counts against a step as well. */
const LATE_LIMIT = 0.01;
/** Pictures that come later and later, in ms per second, beyond what measuring for a few seconds makes up. */
const GROWTH_LIMIT = 2;
/**
 * When other programs took more of the machine than this, or delays grew meanwhile, and a step does not hold, it is measured
 * again, so many times.
 */
const QUIET_SHARE = 0.1;
const ATTEMPTS = 4;
/** With this many viewers, talking and silent ones are compared. */
const COMPARED = 6;
const SETTINGS = { limits: { max_sessions: 100, max_connections_per_address: 200 } };
/** Histograms that say where the time goes: once per frame and session unless said otherwise. */
const STAGES = [
  ['sound_in_ms', '20 ms of microphone: jitter buffer, Opus decoding, resampling, features'],
  ['opus_encode_ms', 'encoding a packet of sound'],
  ['step_ms', 'one step of a session, the encoding of sound included'],
  ['step_late_ms', 'lateness of a step'],
  ['engine_round_trip_ms', 'a batch, to the engine and back'],
  ['batch_jobs', 'jobs of a batch'],
  ['infer_ms', 'drawing a mouth'],
  ['compose_ms', 'putting it into the picture'],
  ['video_encode_ms', 'encoding a picture, waiting included'],
  ['packetise_ms', 'packets of a picture, SRTP and sending included'],
  ['frame_gap_ms', 'from one sent picture to the next'],
  ['arrival_to_sent_ms', 'from sound in to its picture out'],
] as const;

interface Step {
  readonly viewers: number;
  readonly server: ServerWindow;
  readonly clients: ClientFigures;
  readonly clientShare: number;
}

export const sessions: Bench = {
  name: 'sessions',
  summary: 'how many people can talk at once, what each costs, and how little the silent ones do',
  async run(run) {
    const server = await ServerProcess.start(run, { settings: SETTINGS });
    const clients = new Clients();
    run.atEnd(() => clients.stop());
    const silent = await watchSome(run, server, clients, 'quiet room');
    const talking = await watchSome(run, server, clients, 'speech');
    const steps = await ramp(run, server, clients);
    const best = steps.filter(holds).at(-1);
    if (best) sayStages(run, best);
    const { figures } = run;
    figures.add('talking sessions', best?.viewers ?? 0, '', atLeast(10));
    figures.add('gap between pictures there, server p99', best?.server.spread('frame_gap_ms').p99 ?? Number.NaN, 'ms');
    figures.add('gap between pictures there, viewer p99', best?.clients.gapP99Ms ?? Number.NaN, 'ms');
    figures.add('CPU per picture there', best ? cpuPerFrameMs(best.server) : Number.NaN, 'ms');
    figures.add(
      `CPU of ${COMPARED} silent by ${COMPARED} talking`,
      (100 * silent.cpuShare) / talking.cpuShare,
      '%',
      atMost(60),
    );
  },
};

/** Adds talkers step by step until two steps in a row are too much. */
async function ramp(run: BenchRun, server: ServerProcess, clients: Clients): Promise<Step[]> {
  const steps: Step[] = [];
  let viewers = 0;
  for (const wanted of run.isQuick ? QUICK_STEPS : STEPS) {
    await clients.open(server.url, wanted - viewers, { voice: 'speech' });
    viewers = wanted;
    const step = await measureStep(run, server, clients, viewers);
    steps.push(step);
    if (steps.slice(-2).filter((each) => !holds(each)).length === 2) break;
  }
  run.say(`\n${table(steps)}`);
  return steps;
}

async function measureStep(run: BenchRun, server: ServerProcess, clients: Clients, viewers: number): Promise<Step> {
  for (let attempt = 1; ; attempt += 1) {
    await sleep(SETTLE_MS);
    await clients.reset();
    const clientBeforeMs = cpuMs(clients.pid);
    const window = await measure(server, run.isQuick ? QUICK_HOLD_MS : HOLD_MS);
    const clientShare = (cpuMs(clients.pid) - clientBeforeMs) / (window.seconds * 1000);
    const step = { viewers, server: window, clients: await clients.figures(), clientShare };
    const isSettled = window.othersShare <= QUIET_SHARE && window.counted('delay_steps') === 0;
    const isSpoiled = !holds(step) && !isSettled && attempt < ATTEMPTS;
    run.say(`${stepLine(step)}${isSpoiled ? '; once more' : ''}`);
    if (!isSpoiled) return step;
  }
}

/** Some viewers come, are watched for a while, and go. */
async function watchSome(run: BenchRun, server: ServerProcess, clients: Clients, voice: Voice): Promise<ServerWindow> {
  await clients.open(server.url, COMPARED, { voice });
  await sleep(SETTLE_MS);
  const window = await measure(server, run.isQuick ? QUICK_HOLD_MS : HOLD_MS);
  run.say(`${COMPARED} with ${voice}: CPU ${readable(100 * window.cpuShare)} % of a core; ${window.load}`);
  await clients.close();
  return window;
}

function holds({ server, clients, viewers }: Step): boolean {
  const gaps = [server.spread('frame_gap_ms').p99, clients.gapP99Ms];
  return (
    gaps.every((gapMs) => gapMs <= GAP_LIMIT_MS) &&
    clients.latenessGrowth <= GROWTH_LIMIT &&
    lateShare(server) <= LATE_LIMIT &&
    clients.ended === 0 &&
    clients.blind === 0 &&
    clients.viewers === viewers
  );
}

/** Pictures that came too late to be shown, or failed. */
function lateShare({ counted }: ServerWindow): number {
  const replaced = counted('frames_late') + counted('frames_failed') + counted('frames_without_memory');
  return replaced / Math.max(1, replaced + counted('frames_drawn') + counted('frames_closed'));
}

function cpuPerFrameMs(server: ServerWindow): number {
  return (server.cpuShare * server.seconds * 1000) / Math.max(1, server.counted('video_frames_sent'));
}

function stepLine(step: Step): string {
  const { viewers, server, clients, clientShare } = step;
  return [
    `${viewers} talking: ${holds(step) ? 'holds' : 'too much'}`,
    `viewers' process ${readable(100 * clientShare)} % of a core, ${clients.deciphering} of ${clients.viewers} decipher`,
    ...(clients.blind > 0 ? [`${clients.blind} get no pictures`] : []),
    server.load,
  ].join('; ');
}

function table(steps: readonly Step[]): string {
  const head = [
    'sessions',
    'gap p99 sent',
    'gap p99 seen',
    'max seen',
    'missing',
    'late %',
    'growth ms/s',
    'steps of delay',
    'CPU %',
    'CPU ms/picture',
    'drawn %',
    'kbit/s',
    'MB',
    'holds',
  ];
  const rows = steps.map((step) => {
    const { viewers, server, clients } = step;
    const sent = server.counted('video_frames_sent');
    const drawn = (100 * server.counted('frames_drawn')) / Math.max(1, sent);
    const kbits = (server.counted('video_bytes_sent') * 8) / 1000 / server.seconds / viewers;
    const numbers = [
      viewers,
      server.spread('frame_gap_ms').p99,
      clients.gapP99Ms,
      clients.gapMaxMs,
      clients.missing,
      100 * lateShare(server),
      clients.latenessGrowth,
      server.counted('delay_steps'),
      100 * server.cpuShare,
      cpuPerFrameMs(server),
      drawn,
      kbits,
      server.residentMb,
    ];
    return [...numbers.map(readable), holds(step) ? 'yes' : 'NO'];
  });
  const right = head.map((_, column) => column).slice(0, -1);
  return formatTable([head, ...rows], right);
}

/** Where the time goes in a step. */
function sayStages(run: BenchRun, { viewers, server }: Step): void {
  const rows = STAGES.flatMap(([name, meaning]) => {
    const { count, mean, p50, p99, max } = server.spread(name);
    if (count === 0) return [];
    return [[name, ...[count / server.seconds, mean, p50, p99, max].map(readable), meaning]];
  });
  run.say(`\nStages with ${viewers} talking:`);
  run.say(formatTable([['stage', 'per s', 'mean', 'p50', 'p99', 'max', ''], ...rows], [1, 2, 3, 4, 5]));
  const threads = server.threadShares.filter(([, share]) => share >= 0.005);
  run.say(`\nThreads: ${threads.map(([name, share]) => `${name} ${readable(100 * share)} %`).join(', ')} of a core`);
}
