import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MOUTH_PARAMETERS } from '../engines/engine.ts';
import { VISEMES } from '../engines/visemes.ts';
import { MouthReports } from '../session/mouth-reports.ts';
import { FakeSession } from '../testing/fake-viewers.ts';
import { MouthFeed } from './mouth-feed.ts';

class FakeSocket {
  readonly OPEN = 1;
  readyState: 0 | 1 | 2 | 3 = 1;
  bufferedAmount = 0;
  readonly sent: Record<string, unknown>[] = [];

  send(text: unknown): void {
    this.sent.push(JSON.parse(String(text)));
  }
}

/** A session that reports a mouth whose jaw is `jaw`, whenever it is asked to. */
function speaking() {
  const session = new FakeSession('s', 'anna', { door: 'page', subject: 'anyone', maxSessions: null });
  const reports = new MouthReports();
  reports.subscribe((report) => {
    for (const listener of session.mouthListeners) listener(report);
  });
  let frame = 0;
  const speak = (jaw: number | null) => {
    reports.note(frame, jaw === null ? null : Float32Array.of(jaw, 0, 0, 0, 0, 0, 0, 0));
    reports.release(frame);
    frame += 1;
  };
  return { session, speak };
}

test('a mouth is told with its frame, its time, eight parameters and fifteen visemes', () => {
  const socket = new FakeSocket();
  const { session, speak } = speaking();
  new MouthFeed(socket, () => 0).follow(session);
  speak(null);
  speak(1 / 3);
  const [closed, open] = socket.sent;
  assert.deepEqual([closed.type, closed.frame, closed.time_ms], ['mouth', 0, 0]);
  assert.deepEqual(closed.visemes, Object.fromEntries(VISEMES.map((name) => [name, name === 'sil' ? 1 : 0])));
  assert.deepEqual([open.frame, open.time_ms], [1, 40]);
  assert.deepEqual(open.parameters, { ...Object.fromEntries(MOUTH_PARAMETERS.map((name) => [name, 0])), jaw: 0.333 });
});

test('a client that does not keep up misses mouths, and gets those that come later', () => {
  const socket = new FakeSocket();
  const { session, speak } = speaking();
  new MouthFeed(socket, () => 0).follow(session);
  socket.bufferedAmount = 100_000;
  speak(0.5);
  socket.bufferedAmount = 0;
  speak(0.5);
  assert.deepEqual(
    socket.sent.map(({ frame }) => frame),
    [1],
  );
});

test('25 mouths a second all come through, a thousand at once do not', () => {
  const socket = new FakeSocket();
  let nowMs = 0;
  const { session, speak } = speaking();
  new MouthFeed(socket, () => nowMs).follow(session);
  for (let i = 0; i < 250; i += 1) {
    speak(0.5);
    nowMs += 40;
  }
  assert.equal(socket.sent.length, 250);
  for (let i = 0; i < 1000; i += 1) speak(0.5);
  assert.ok(socket.sent.length < 320, `${socket.sent.length}`);
});

test('a feed follows one session at a time, and none once it is closed', () => {
  const socket = new FakeSocket();
  const one = speaking();
  const other = speaking();
  const feed = new MouthFeed(socket, () => 0);
  feed.follow(one.session);
  feed.follow(one.session);
  assert.equal(one.session.mouthListeners.size, 1);
  feed.follow(other.session);
  assert.deepEqual([one.session.mouthListeners.size, other.session.mouthListeners.size], [0, 1]);
  feed.close();
  feed.close();
  assert.equal(other.session.mouthListeners.size, 0);
});
