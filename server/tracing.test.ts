import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { fakeRegistry } from './testing/fake-registry.ts';
import { FakeSource, FakeTransport } from './testing/fakes.ts';
import { type RecordedSpan, recordSpans } from './testing/recorded-spans.ts';
import { SessionTrace } from './tracing.ts';

/** Of the sessions since it was emptied. An SDK registers itself once in a process. */
let spans: RecordedSpan[] = [];
const OWNER = { door: 'rest', subject: 'kiosk', maxSessions: null } as const;

test('without an SDK a trace costs nothing and does nothing', () => {
  const trace = new SessionTrace({ session_id: 's' });
  const stretch = trace.begin('talk');
  trace.event('interrupted');
  stretch.end();
  stretch.end();
  trace.end({ reason: 'test' });
});

test('a session is told as one span, its viewers and its talking as spans within, what happens as events', async () => {
  spans = recordSpans();
  const { registry, timers } = fakeRegistry();
  const session = registry.create('anna', OWNER);
  const viewer = new FakeTransport();
  await session.addTransport(async (events) => {
    viewer.events = events;
    return viewer;
  });
  viewer.events?.onConnected();
  const microphone = new FakeSource(0.5);
  session.setMicrophone(microphone);
  await timers.advance(1000);
  microphone.amplitude = 0;
  await timers.advance(2000);
  session.setAvatar('bert');
  session.interrupt();
  viewer.events?.onClosed('the viewer closed the connection');
  await session.close('again');

  const [root] = spans;
  assert.deepEqual(
    spans.map(({ name, parent, ended }) => [name, parent?.name ?? null, ended]),
    [
      ['session', null, true],
      ['session.connect', 'session', true],
      ['session.talk', 'session', true],
    ],
  );
  assert.deepEqual(root.attributes, {
    'musecast.session_id': session.id,
    'musecast.avatar_id': 'anna',
    'musecast.door': 'rest',
    'musecast.engine': 'fake',
    'musecast.reason': 'the viewer closed the connection',
  });
  assert.deepEqual(
    root.events.map(({ name }) => name),
    ['avatar_selected', 'interrupted', 'viewer_left'],
  );
});

test('a viewer that does not get through is told with the reason, and no span stays open', async () => {
  spans.splice(0);
  const { registry } = fakeRegistry();
  const session = registry.create('anna', OWNER);
  const refused = session.addTransport(async () => {
    throw new RangeError('no');
  });
  await assert.rejects(refused);
  await session.close('test');
  assert.ok(spans.every(({ ended }) => ended));
  assert.equal(spans[1].attributes['musecast.failure'], 'RangeError');
});

test('a module that the operator imports first is there when the server starts', async () => {
  const sdk = 'data:text/javascript,process.stderr.write("the SDK is registered\\n")';
  const main = join(import.meta.dirname, 'main.ts');
  const { stderr, stdout } = await promisify(execFile)(process.execPath, ['--import', sdk, main, '--help']);
  assert.match(stderr, /the SDK is registered/);
  assert.match(stdout, /--port/);
});
