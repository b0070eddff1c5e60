import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../log.ts';
import { Metrics } from '../metrics.ts';
import { FakeEncoders, FakeScheduler, FakeShelf, FakeSource, fakeAvatar } from '../testing/fakes.ts';
import { ManualTimers } from '../testing/manual-timers.ts';
import { IdleLoops } from './idle-loops.ts';
import { SessionRegistry } from './registry.ts';
import type { SessionOwner } from './session-owner.ts';

function makeRegistry(capacity: number): SessionRegistry {
  const encoders = new FakeEncoders();
  return new SessionRegistry({
    capacity,
    findAvatar: () => fakeAvatar('anna'),
    clips: new FakeShelf(),
    loadClip: async () => new FakeSource(),
    scheduler: new FakeScheduler(),
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
    timers: new ManualTimers(0),
    metrics: new Metrics(),
    log: silentLog(),
  });
}

const owner = (subject: string, maxSessions: number | null, door: SessionOwner['door'] = 'rest') => ({
  subject,
  maxSessions,
  door,
});

test('a key holds no more sessions than it may, over all doors, and a closed one makes room', async () => {
  const registry = makeRegistry(10);
  const first = registry.create('anna', owner('kiosk', 2, 'page'));
  registry.create('anna', owner('kiosk', 2, 'frames'));
  assert.throws(() => registry.create('anna', owner('kiosk', 2)), { code: 'session_limit', message: /kiosk holds 2/ });
  registry.create('anna', owner('other', 2));
  await first.close('test');
  assert.equal(registry.create('anna', owner('kiosk', 2)).owner?.door, 'rest');
  await registry.closeAll(0);
});

test('a key without a limit of its own is stopped by the capacity alone', async () => {
  const registry = makeRegistry(2);
  registry.create('anna', owner('anyone', null));
  registry.create('anna', owner('anyone', null));
  assert.throws(() => registry.create('anna', owner('anyone', null)), { code: 'server_full' });
  await registry.closeAll(0);
});
