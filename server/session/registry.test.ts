import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeRegistry } from '../testing/fake-registry.ts';
import { FakeTransport } from '../testing/fakes.ts';
import type { SessionOwner } from './session-owner.ts';

const owner = (subject: string, maxSessions: number | null, door: SessionOwner['door'] = 'rest') => ({
  subject,
  maxSessions,
  door,
});

test('a key holds no more sessions than it may, over all doors, and a closed one makes room', async () => {
  const registry = fakeRegistry({ capacity: 10 }).registry;
  const first = registry.create('anna', owner('kiosk', 2, 'page'));
  registry.create('anna', owner('kiosk', 2, 'frames'));
  assert.throws(() => registry.create('anna', owner('kiosk', 2)), { code: 'session_limit', message: /kiosk holds 2/ });
  registry.create('anna', owner('other', 2));
  await first.close('test');
  assert.equal(registry.create('anna', owner('kiosk', 2)).owner?.door, 'rest');
  await registry.closeAll(0);
});

test('a key without a limit of its own is stopped by the capacity alone', async () => {
  const registry = fakeRegistry({ capacity: 2 }).registry;
  registry.create('anna', owner('anyone', null));
  registry.create('anna', owner('anyone', null));
  assert.throws(() => registry.create('anna', owner('anyone', null)), { code: 'server_full' });
  await registry.closeAll(0);
});

test('a device that was measured to carry fewer sessions than are configured takes no more', async () => {
  const { registry, scheduler } = fakeRegistry({ capacity: 10 });
  scheduler.capacity = 1;
  assert.equal(registry.capacity, 1);
  registry.create('anna', owner('anyone', null));
  assert.throws(() => registry.create('anna', owner('anyone', null)), {
    code: 'server_full',
    message: 'All 1 places are taken, as many as the engine can draw talking; try again in 10 s.',
  });
  scheduler.capacity = 20;
  assert.equal(registry.capacity, 10);
  await registry.closeAll(0);
});

test('a full server says when a place should be free, by how long sessions last', async () => {
  const { registry, timers } = fakeRegistry({ capacity: 4 });
  const first = registry.create('anna', owner('anyone', null));
  await timers.advance(100_000);
  await first.close('test');
  for (let place = 0; place < 4; place += 1) registry.create('anna', owner('anyone', null));
  // Four sessions of 100 s each: one ends every 25 s.
  assert.throws(() => registry.create('anna', owner('anyone', null)), { code: 'server_full', retryAfterS: 25 });
  await registry.closeAll(0);
});

test('a session that may linger waits for a viewer, and again after its last one, and then closes', async () => {
  const { registry, timers } = fakeRegistry();
  const session = registry.create('anna', owner('anyone', null), { lingerMs: 30_000 });
  await timers.advance(29_999);
  const transport = new FakeTransport();
  await session.addTransport(async (events) => {
    transport.events = events;
    return transport;
  });
  await timers.advance(60_000);
  assert.equal(session.state, 'waiting');
  transport.events?.onClosed('the viewer left');
  await timers.advance(29_999);
  assert.equal(registry.size, 1);
  await timers.advance(1);
  assert.equal(registry.size, 0);
});

test('a viewer that cannot be answered does not lengthen the wait', async () => {
  const { registry, timers } = fakeRegistry();
  const session = registry.create('anna', owner('anyone', null), { lingerMs: 30_000 });
  await timers.advance(20_000);
  await assert.rejects(session.addTransport(() => Promise.reject(new TypeError('no offer'))));
  await timers.advance(10_000);
  assert.equal(registry.size, 0);
});
