import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ERROR_STATUS } from '../../errors.ts';
import { fuzz } from '../../testing/fuzz.ts';
import { openStreamerRig } from '../../testing/streamer-rig.ts';

/** Refusals that a client can bring about. */
const REFUSALS = new Set([400, 404, 405, 409, 413, 415, 422, 503]);

const nasty = fc.constantFrom(
  '',
  '..',
  '../secret.wav',
  '%2e%2e%2fsecret.wav',
  'linked.wav',
  'sam/hello.wav',
  'sam/broken.wav',
  'media/sam/talk.mp4',
  'anna',
  'nobody',
  'canary',
  'one',
  '__proto__',
  'constructor',
  "'; --",
  'a\r\nSet-Cookie: x=1',
  '\u0000',
  '\ud800',
  'x'.repeat(2000),
);
const text = fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 40 }));
const names = ['session_id', 'avatar_id', 'audio_path', 'video_path', 'fps', 'x'] as const;
/** Any query: names that are known or not, missing, empty or repeated. */
const query = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...names), text), text), { maxLength: 5 })
  .map((pairs) => pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&'));
const route = fc.constantFrom(
  ['GET', '/musetalk/status'],
  ['POST', '/avatar/initialize'],
  ['POST', '/avatar/prepare'],
  ['POST', '/realtime/start'],
  ['POST', '/offer'],
  ['GET', '/audio/x.wav'],
) as fc.Arbitrary<['GET' | 'POST', string]>;
const offer = fc.record(
  {
    session_id: fc.oneof(text, fc.jsonValue()),
    sdp: fc.oneof(text, fc.constant('bad'), fc.constant('v=0'), fc.jsonValue()),
    type: fc.oneof(fc.constant('offer'), fc.constant('answer'), fc.jsonValue()),
    fps: fc.oneof(fc.integer(), fc.double(), fc.jsonValue()),
    extra: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  fc.constant(undefined),
  offer.map((value) => JSON.stringify(value)),
  fc.json(),
  text,
);
const contentType = fc.constantFrom(
  'application/json',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/json; charset=x',
  '',
);

function encoded(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}

test('whatever is sent is answered by the contract or refused as a problem, and no other session feels it', async (t) => {
  const rig = await openStreamerRig({ capacity: 1000 });
  t.after(() => rig.close());
  await rig.start({ session_id: 'canary', audio_path: 'sam/hello.wav' });
  await rig.offer({ session_id: 'canary', sdp: 'v=0', type: 'offer' });
  const [canary] = rig.sessions.all;
  await fc.assert(
    fc.asyncProperty(route, query, body, contentType, async ([method, path], queryText, payload, type) => {
      const response = await rig.app.inject({
        method,
        url: `/api/webrtc${path}?${queryText}`,
        // Another client than the one whose session is watched.
        remoteAddress: '192.0.2.7',
        headers: type ? { 'content-type': type } : {},
        payload: method === 'POST' ? payload : undefined,
      });
      const { statusCode } = response;
      const said = `${method} ${path}?${queryText} ${payload} -> ${statusCode} ${response.body}`;
      assert.ok(statusCode === 200 || REFUSALS.has(statusCode), said);
      if (statusCode !== 200) {
        const problem: { code: string; status: number } = JSON.parse(response.body);
        assert.equal(problem.status, statusCode, said);
        assert.ok(problem.code === 'not_found' || problem.code in ERROR_STATUS, said);
        assert.notEqual(problem.code, 'internal', said);
      }
      assert.ok(!response.body.includes(rig.root), said);
      assert.equal(response.headers['set-cookie'], undefined);
      assert.equal(canary.closedBecause, null, said);
      // What was started is not needed any more.
      for (const session of rig.sessions.open) if (session !== canary) await session.close('test');
    }),
    fuzz(),
  );
  assert.equal((await rig.offer({ session_id: 'canary', sdp: 'v=0', type: 'offer' })).status, 200);
});

test('starts and offers that the contract allows are answered as it says, in any order', async (t) => {
  const rig = await openStreamerRig({ capacity: 1000 });
  t.after(() => rig.close());
  const sessionId = fc.stringMatching(/^[A-Za-z0-9_.:-]{1,128}$/);
  const audio = fc.constantFrom('', 'sam/hello.wav', 'media/sam/hello.wav');
  const avatar = fc.constantFrom('', 'anna', 'bert');
  await fc.assert(
    fc.asyncProperty(
      sessionId,
      avatar,
      audio,
      fc.integer({ min: 1, max: 60 }),
      async (session_id, avatar_id, audio_path, fps) => {
        const started = await rig.app.inject({
          method: 'POST',
          url: `/api/webrtc/realtime/start?${new URLSearchParams({ session_id, avatar_id, audio_path })}`,
        });
        assert.equal(started.statusCode, 200, started.body);
        const answer: { session_id: string; audio_urls: string[] } = started.json();
        assert.equal(answer.session_id, session_id);
        assert.equal(answer.audio_urls.length, audio_path === '' ? 0 : 1);
        for (const url of answer.audio_urls) assert.equal((await rig.app.inject(url)).statusCode, 200);
        const payload = { session_id, sdp: 'v=0', type: 'offer', fps };
        const answered = await rig.app.inject({ method: 'POST', url: '/api/webrtc/offer', payload });
        assert.deepEqual([answered.statusCode, answered.json().type], [200, 'answer'], answered.body);
        for (const session of rig.sessions.open) await session.close('test');
      },
    ),
    fuzz(1),
  );
});
