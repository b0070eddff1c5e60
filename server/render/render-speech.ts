import { FRAME_SAMPLES, FRAMES_PER_SECOND } from '../audio/pcm.ts';
import type { Avatar } from '../avatars/avatar.ts';
import { AppError } from '../errors.ts';
import { silentLog } from '../log.ts';
import { Metrics } from '../metrics.ts';
import type { FrameScheduler } from '../scheduler/frame-job.ts';
import { FramePhases } from '../session/frame-phases.ts';
import { IdleLoops } from '../session/idle-loops.ts';
import type { MouthReport } from '../session/mouth-reports.ts';
import { Session } from '../session/session.ts';
import { ClipSource } from '../sources/clip-source.ts';
import type { TransportEvents } from '../transports/transport.ts';
import { OfflineTimers } from './offline-timers.ts';
import { PatientScheduler } from './patient-scheduler.ts';
import { RAW_ENCODERS } from './raw-encoders.ts';
import { type Film, Recording } from './recording.ts';

/** So short that one mouth is with the engine at a time: batches are always of one, and numbers the same in every run. */
const COMPUTE_BUDGET_MS = 25;
/** Nothing is sent over a network: a rate is only there because a session asks for one. */
const NO_RATE = 1_000_000;

export interface RenderOptions {
  readonly avatar: Avatar;
  /** What the avatar says, mono at 48 kHz, -1..1; at least one sample. Shared and never written. */
  readonly samples: Float32Array;
  /** Knows the avatar. With one engine thread every run gives the same pictures, bit for bit. */
  readonly scheduler: FrameScheduler;
  /** Gets {@link frameCountOf} pictures and the sound of as many whole frames. Owned by the caller. */
  readonly film: Film;
  /** Gets what the mouth does, frame by frame. */
  readonly onMouth?: (report: MouthReport) => void;
  /** Called with the share that is done, 0..1. */
  readonly onProgress?: (share: number) => void;
  readonly signal?: AbortSignal;
}

/** Pictures of a film of so many samples: the last one may be of less sound than it is long. */
export function frameCountOf(samples: Float32Array): number {
  return Math.ceil(samples.length / FRAME_SAMPLES);
}

/**
 * Lets an avatar speak a recording, as fast as the machine goes: the session that viewers have, with time that waits for it.
 *
 * @throws {AppError} `engine_failed` if a mouth cannot be drawn; what the film throws; the signal's reason when it is aborted.
 */
export async function renderSpeech(options: RenderOptions): Promise<void> {
  const { avatar, samples, signal } = options;
  const { widthPx, heightPx } = avatar;
  const frames = frameCountOf(samples);
  if (frames === 0) throw new RangeError('there is nothing to say');
  const timers = new OfflineTimers();
  const scheduler = new PatientScheduler(options.scheduler, timers);
  const recording = new Recording({ widthPx, heightPx, film: options.film, timers });
  const session = openSession(avatar, scheduler, timers);
  try {
    session.play('speech', new ClipSource(samples));
    if (options.onMouth) session.onMouth(options.onMouth);
    await session.addTransport(async (events: TransportEvents) => {
      events.onConnected();
      return recording;
    });
    await timers.run(() => {
      options.onProgress?.(recording.frames / frames);
      const isWhole = recording.frames === frames && recording.samples === frames * FRAME_SAMPLES;
      return isWhole || recording.failure !== null || scheduler.failures > 0 || signal?.aborted === true;
    });
  } finally {
    await session.close('the film is over');
  }
  signal?.throwIfAborted();
  if (recording.failure !== null) throw recording.failure;
  if (scheduler.failures > 0) {
    const second = (recording.frames / FRAMES_PER_SECOND).toFixed(2);
    throw new AppError('engine_failed', `Engine ${scheduler.spec.id} could not draw the mouth at about ${second} s.`);
  }
}

function openSession(avatar: Avatar, scheduler: FrameScheduler, timers: OfflineTimers): Session {
  const { widthPx, heightPx } = avatar;
  const log = silentLog();
  return new Session({
    phases: new FramePhases(),
    id: 'render',
    owner: null,
    avatar,
    findAvatar: (id) => {
      throw new AppError('avatar_not_found', `Avatar ${id} is not part of the film`);
    },
    clips: { borrow: () => Promise.reject(new AppError('clip_not_found', 'A film is made of the idle clip alone')) },
    loadClip: (path) => Promise.reject(new AppError('clip_not_found', `${path} is not part of the film`)),
    scheduler,
    encoders: RAW_ENCODERS,
    // Above any rate of a viewer, so that none is put on a loop: nothing would be saved.
    loops: new IdleLoops(RAW_ENCODERS, Number.POSITIVE_INFINITY, log),
    viewers: {
      widthPx,
      heightPx,
      startBitrateBps: NO_RATE,
      minBitrateBps: NO_RATE,
      maxBitrateBps: NO_RATE,
      keyFrameIntervalMinMs: 0,
      opusBitrateBps: NO_RATE,
    },
    computeBudgetMs: COMPUTE_BUDGET_MS,
    // Time waits for every picture: none is late.
    maxExtraDelayMs: 0,
    timers,
    metrics: new Metrics(),
    log,
  });
}
