import { FRAME_MS } from '../../../server/audio/pcm.ts';
import { silentLog } from '../../../server/log.ts';
import { Metrics } from '../../../server/metrics.ts';
import { DeviceLine } from '../../../server/scheduler/device-line.ts';
import type { FrameOutcome } from '../../../server/scheduler/frame-job.ts';
import type { BatchTime } from '../../../server/scheduler/messages.ts';
import { FramePhases } from '../../../server/session/frame-phases.ts';
import { SimulatedDevice, type Standstill, seeded } from './simulated-device.ts';
import { SimulatedFace } from './simulated-face.ts';
import { VirtualTime } from './virtual-time.ts';

/** Everybody talks nearly all the time: utterances of 5 to 9 s with 0.6 s between them. */
const UTTERANCE_MS = { least: 5_000, more: 4_000 };
const PAUSE_MS = 600;
/** Sessions begin one after the other within this time, which is not measured. */
const BEGIN_MS = 8_000;
/** A picture may follow its sound by 20 ms. */
const GRACE_MS = 20;
const NEVER: Standstill = { fromMs: Number.POSITIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
const NO_PIXELS = new SharedArrayBuffer(0);
const NO_FEATURES = new Float32Array(0);

export interface SimulationOptions {
  readonly sessions: number;
  readonly times: readonly BatchTime[];
  /** Time from a frame's last sound to its picture, ms. */
  readonly computeBudgetMs: number;
  readonly ms: number;
  /** In simulated time, the beginning included. */
  readonly standstill?: Standstill;
  /** How much slower the device is from some time on. Default: as fast as ever. */
  readonly slowdown?: { readonly fromMs: number; readonly factor: number };
}

export interface SimulationResult {
  readonly faces: readonly SimulatedFace[];
  /** Share of its time that the device worked. */
  readonly busy: number;
  /** Sessions that the scheduler would have let in. */
  readonly capacity: number;
  readonly meanBatch: number;
}

/** Lets sessions talk to a simulated device through the server's own scheduling, in virtual time. */
export function simulate(options: SimulationOptions): SimulationResult {
  const { sessions, times, computeBudgetMs, ms, standstill = NEVER } = options;
  const time = new VirtualTime();
  const random = seeded(sessions * 7_919 + 1);
  const metrics = new Metrics();
  const { fromMs, factor } = options.slowdown ?? { fromMs: Number.POSITIVE_INFINITY, factor: 1 };
  const slowness = (): number => (time.nowMs() < fromMs ? 1 : factor);
  const device = new SimulatedDevice({ time, times, standstill, slowness, random });
  const dueAfterMs = computeBudgetMs + GRACE_MS;
  const line: DeviceLine = new DeviceLine({
    dueAfterMs,
    send: (batchId, jobs) => device.draw(batchId, jobs, () => line),
    onSick: () => {},
    soon: (run) => void time.at(time.nowMs(), run),
    timers: time,
    metrics,
    log: silentLog(),
  });
  line.start(times);
  const phases = new FramePhases();
  const faces = Array.from({ length: sessions }, () => new SimulatedFace());
  let measured = faces;
  for (let session = 0; session < sessions; session += 1) {
    const beginMs = phases.take((session * BEGIN_MS * 0.9) / sessions);
    talk(session, beginMs);
  }
  time.runUntil(BEGIN_MS);
  // What was seen while they came is not measured.
  measured = faces.map(() => new SimulatedFace());
  const busyMs = device.busyMs;
  time.runUntil(BEGIN_MS + ms);
  const { count, sum } = metrics.histogram('batch_jobs').total;
  return {
    faces: measured,
    busy: (device.busyMs - busyMs) / ms,
    capacity: line.capacity ?? 0,
    meanBatch: sum / count,
  };

  function talk(session: number, atMs: number): void {
    const frames = Math.round((UTTERANCE_MS.least + random() * UTTERANCE_MS.more) / FRAME_MS);
    time.at(atMs, () => measured[session].beginUtterance());
    for (let frame = 0; frame < frames; frame += 1) time.at(atMs + frame * FRAME_MS, () => ask(session, frame));
    const nextMs = atMs + frames * FRAME_MS + PAUSE_MS;
    time.at(nextMs, () => talk(session, nextMs));
  }

  function ask(session: number, frame: number): void {
    const dueMs = time.nowMs() + dueAfterMs;
    const face = measured[session];
    let outcome: FrameOutcome | null = null;
    line.add(
      {
        sessionId: `s${session}`,
        generation: 0,
        frame,
        avatarId: 'a',
        clipName: 'idle_0',
        clipFrame: 0,
        features: NO_FEATURES,
        dueMs,
        picture: NO_PIXELS,
        mouth: null,
        onStandstill: () => {
          outcome = 'failed';
        },
      },
      (told) => {
        outcome = told;
      },
    );
    // What is there when its sound leaves goes with it; what is not may follow for a while.
    time.at(dueMs - GRACE_MS, () => {
      if (outcome !== null) face.show(dueMs - GRACE_MS, outcome);
      else time.at(dueMs, () => face.show(dueMs, outcome));
    });
  }
}
