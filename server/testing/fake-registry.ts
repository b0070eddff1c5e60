import { AppError } from '../errors.ts';
import { silentLog } from '../log.ts';
import { Metrics } from '../metrics.ts';
import { IdleLoops } from '../session/idle-loops.ts';
import { SessionRegistry } from '../session/registry.ts';
import { FakeEncoders, FakeScheduler, FakeShelf, FakeSource, fakeAvatar } from './fakes.ts';
import { ManualTimers } from './manual-timers.ts';

/** The real registry of real sessions, with fakes for what they need. Knows the avatars anna and bert. */
export function fakeRegistry({ capacity = 10, maxExtraDelayMs = 40, timers = new ManualTimers(0) } = {}) {
  const encoders = new FakeEncoders();
  const scheduler = new FakeScheduler();
  const metrics = new Metrics();
  const registry = new SessionRegistry({
    capacity,
    findAvatar: (id) => {
      if (id === 'anna' || id === 'bert') return fakeAvatar(id);
      throw new AppError('avatar_not_found', `Avatar ${id} not found`);
    },
    clips: new FakeShelf(),
    loadClip: async () => new FakeSource(),
    scheduler,
    encoders,
    loops: new IdleLoops(encoders, 500_000, silentLog()),
    viewers: {
      widthPx: 16,
      heightPx: 16,
      startBitrateBps: 500_000,
      minBitrateBps: 150_000,
      maxBitrateBps: 2_500_000,
      keyFrameIntervalMinMs: 500,
      opusBitrateBps: 32_000,
    },
    computeBudgetMs: 30,
    maxExtraDelayMs,
    timers,
    metrics,
    log: silentLog(),
  });
  return { registry, timers, metrics, scheduler, encoders };
}
