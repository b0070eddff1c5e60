import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { AppError } from '../../errors.ts';
import { fakeAvatar } from '../../testing/fakes.ts';
import { openStreamerRig, type StreamerRigOptions } from '../../testing/streamer-rig.ts';
import { covers, type Scope } from '../access/access.ts';

type Rig = Awaited<ReturnType<typeof openStreamerRig>>;
let rig: Rig;
afterEach(() => rig.close());

async function open(options: StreamerRigOptions = {}): Promise<Rig> {
  rig = await openStreamerRig(options);
  return rig;
}

const offerFor = (session_id: string, sdp = 'v=0') => ({ session_id, sdp, type: 'offer' });
/** Offers of one RTCPeerConnection bear the same certificate and session id. */
const sdpOf = (connection: string, round = 1) =>
  `v=0\r\no=- ${connection} ${round} IN IP4 0.0.0.0\r\na=fingerprint:sha-256 ${connection}\r\n`;

test('status tells the engine, the avatars, demo mode and how far preparations are', async () => {
  await open();
  rig.gallery.set('bert', 'preparing', 0.4);
  const { status, json } = await rig.call('GET', '/musetalk/status');
  assert.equal(status, 200);
  assert.deepEqual(json, {
    initialized: true,
    current_avatar: 'anna',
    loaded_avatars: ['anna'],
    demo_mode: true,
    engine: 'embedded',
    message: 'Demo mode: MuseTalk is not there, so the embedded engine draws the mouths.',
    jobs: [
      { avatar_id: 'anna', state: 'ready', progress: 1, problem: null },
      { avatar_id: 'bert', state: 'preparing', progress: 0.4, problem: null },
    ],
  });
});

test('with MuseTalk it is no demo, and before an engine runs nothing is initialized', async () => {
  await open({ engineId: 'musetalk' });
  assert.equal((await rig.call('GET', '/musetalk/status')).json.demo_mode, false);
  await rig.close();
  await open({ engineId: null });
  assert.equal((await rig.call('GET', '/musetalk/status')).json.initialized, false);
});

test('the avatar of the session that was started last is the current one', async () => {
  await open();
  await rig.start({ session_id: 'one', avatar_id: 'bert' });
  assert.equal((await rig.call('GET', '/musetalk/status')).json.current_avatar, 'bert');
});

test('initialize answers when the engine runs, and says so if that takes too long or will never be', async () => {
  await open();
  const done = await rig.call('POST', '/avatar/initialize');
  assert.deepEqual([done.status, done.json], [200, { status: 'success' }]);
  await rig.close();
  await open({ engineId: null, patienceMs: 20, whenStarted: () => new Promise(() => {}) });
  assert.deepEqual((await rig.call('POST', '/avatar/initialize')).json.code, 'not_ready');
  await rig.close();
  await open({ engineId: null, whenStarted: () => Promise.reject(new AppError('engine_failed', '/secret/path')) });
  const failed = await rig.call('POST', '/avatar/initialize');
  assert.equal(failed.status, 503);
  assert.doesNotMatch(failed.text, /secret/);
});

test('a client that claims to send JSON and sends none is understood', async () => {
  await open();
  assert.equal((await rig.call('POST', '/avatar/initialize', '')).status, 200);
  assert.equal((await rig.call('POST', '/offer', '')).status, 400);
});

test('prepare answers with success when the avatar is there', async () => {
  await open();
  const { status, json } = await rig.call('POST', '/avatar/prepare?avatar_id=yongen&video_path=media/sam/talk.mp4');
  assert.deepEqual([status, json], [200, { status: 'success', avatar_id: 'yongen', progress: 1 }]);
  assert.deepEqual(rig.added, [
    { id: 'yongen', videoPath: 'media/sam/talk.mp4', videoFile: `${rig.root}/media/sam/talk.mp4` },
  ]);
});

test('a preparation that takes longer goes on, and tells how far it is when asked again', async () => {
  const prepared = Promise.withResolvers<ReturnType<typeof fakeAvatar>>();
  await open({ patienceMs: 20, addAvatar: () => prepared.promise });
  rig.gallery.avatars.push(fakeAvatar('yongen'));
  rig.gallery.states.push({ id: 'yongen', state: 'preparing', share: 0.3, problem: null });
  const ask = () => rig.call('POST', '/avatar/prepare?avatar_id=yongen&video_path=sam/talk.mp4');
  const first = await ask();
  assert.deepEqual([first.status, first.json], [202, { status: 'processing', avatar_id: 'yongen', progress: 0.3 }]);
  assert.equal((await rig.start({ session_id: 'early', avatar_id: 'yongen' })).json.code, 'not_ready');
  prepared.resolve(fakeAvatar('yongen'));
  assert.equal((await ask()).status, 200);
});

test('a video without a face is told in the client’s words, not with where it lies', async () => {
  await open({
    addAvatar: ({ videoFile }) => Promise.reject(new AppError('face_not_found', `${videoFile}: no face in frame 0`)),
  });
  const { status, json, text } = await rig.call('POST', '/avatar/prepare?avatar_id=wall&video_path=sam/talk.mp4');
  assert.deepEqual([status, json.code, json.detail], [422, 'face_not_found', 'sam/talk.mp4: no face in frame 0']);
  assert.ok(!text.includes(rig.root));
});

test('start needs a session_id alone; fields that a form left empty count as absent', async () => {
  await open();
  const queries: Record<string, string>[] = [
    { session_id: 'one' },
    { session_id: 'two', avatar_id: '', audio_path: '' },
  ];
  for (const query of queries) {
    const { status, json } = await rig.start(query);
    assert.deepEqual(
      [status, json],
      [200, { status: 'success', session_id: query.session_id, fps: 25, audio_urls: [], avatar_id: 'anna' }],
    );
  }
  assert.deepEqual(
    rig.sessions.all.map(({ owner, recording }) => [owner.door, recording]),
    [
      ['streamer', null],
      ['streamer', null],
    ],
  );
});

test('the recording of a session is played by it, and served under an address of its own, whole and in ranges', async () => {
  await open();
  const { json } = await rig.start({ session_id: 'one', avatar_id: 'bert', audio_path: 'sam/hello.wav' });
  assert.ok(rig.sessions.all[0].recording);
  const [url] = json.audio_urls as string[];
  assert.match(url, /^\/api\/webrtc\/audio\/[\w-]{32}\.wav$/);
  const get = (range?: string) =>
    fetch(`http://127.0.0.1:${rig.port}${url}`, { headers: range === undefined ? {} : { range } });
  const whole = await get();
  assert.deepEqual([whole.status, whole.headers.get('accept-ranges')], [200, 'bytes']);
  assert.match(whole.headers.get('content-type') ?? '', /^audio\/(x-)?wav/);
  assert.equal(whole.headers.get('cache-control'), 'private, no-store');
  assert.deepEqual(Buffer.from(await whole.arrayBuffer()), rig.hello);
  const part = await get('bytes=100-199');
  assert.deepEqual([part.status, part.headers.get('content-range')], [206, `bytes 100-199/${rig.hello.length}`]);
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), rig.hello.subarray(100, 200));
  assert.equal((await get('bytes=-10')).headers.get('content-length'), '10');
  assert.equal((await get(`bytes=${rig.hello.length}-`)).status, 416);
  await rig.sessions.all[0].close('test');
  assert.equal((await get()).status, 404);
});

test('addresses of recordings differ, and made-up ones lead nowhere', async () => {
  await open();
  const first = await rig.start({ session_id: 'one', audio_path: 'sam/hello.wav' });
  const second = await rig.start({ session_id: 'two', audio_path: 'sam/hello.wav' });
  assert.notDeepEqual(first.json.audio_urls, second.json.audio_urls);
  for (const name of [
    'x.wav',
    'hello.wav',
    '..%2fsecret.wav',
    '%2e%2e%2f%2e%2e%2fsecret.wav',
    `${'A'.repeat(32)}.wav`,
    '%00',
  ]) {
    const { status } = await rig.call('GET', `/audio/${name}`);
    assert.ok(status === 404 || status === 400, `${name} ${status}`);
  }
});

test('no path leads out of the media folders', async () => {
  await open();
  const outside = [
    '../secret.wav',
    'sam/../../secret.wav',
    '%2e%2e/secret.wav',
    '..%2fsecret.wav',
    `${rig.root}/secret.wav`,
    'linked.wav',
    '..\\secret.wav',
    'file:///etc/passwd',
    '../MuseTalk/data/audio/yongen.wav',
  ];
  for (const path of outside) {
    const started = await rig.start({ session_id: 'one', audio_path: path });
    const prepared = await rig.call(
      'POST',
      `/avatar/prepare?${new URLSearchParams({ avatar_id: 'x', video_path: path })}`,
    );
    for (const { status } of [started, prepared]) assert.ok(status === 400 || status === 404, `${path} ${status}`);
  }
  // Written into the address as they are, without being encoded first.
  for (const path of ['../secret.wav', '%2e%2e%2fsecret.wav', '%252e%252e%252fsecret.wav', '..%00/secret.wav']) {
    const { status } = await rig.call('POST', `/realtime/start?session_id=one&audio_path=${path}`);
    assert.ok(status === 400 || status === 404, `${path} ${status}`);
  }
  assert.deepEqual([rig.sessions.all, rig.added], [[], []]);
});

test('a recording that cannot be read is refused in the client’s words and leaves no session', async () => {
  await open();
  const { status, json, text } = await rig.start({ session_id: 'one', audio_path: 'sam/broken.wav' });
  assert.deepEqual([status, json.code], [422, 'media_unreadable']);
  assert.ok(!text.includes(rig.root), text);
  assert.deepEqual(rig.sessions.all, []);
});

test('a session that nobody makes an offer for ends after the limit, and its place is free', async () => {
  await open();
  await rig.start({ session_id: 'one' });
  const [session] = rig.sessions.all;
  await rig.timers.advance(59_999);
  assert.equal(session.closedBecause, null);
  await rig.timers.advance(1);
  assert.equal(session.closedBecause, 'nobody made an offer in time');
  assert.equal((await rig.offer(offerFor('one'))).json.code, 'session_not_found');
});

test('a session with a viewer stays beyond that limit and ends with the viewer', async () => {
  await open();
  await rig.start({ session_id: 'one' });
  await rig.offer(offerFor('one'));
  await rig.timers.advance(100_000);
  const [session] = rig.sessions.all;
  assert.equal(session.closedBecause, null);
  rig.peers.all[0].peerEvents.onClosed('the viewer closed the connection');
  assert.equal(session.closedBecause, 'the viewer closed the connection');
  assert.equal(rig.timers.pending, 0);
  assert.equal((await rig.offer(offerFor('one'))).status, 404);
});

test('starting it anew replaces a session of the same client', async () => {
  await open({ capacity: 1 });
  await rig.start({ session_id: 'one' });
  assert.equal((await rig.start({ session_id: 'one', avatar_id: 'bert' })).status, 200);
  assert.deepEqual(
    rig.sessions.all.map(({ avatarId, closedBecause }) => [avatarId, closedBecause]),
    [
      ['anna', 'started anew by its client'],
      ['bert', null],
    ],
  );
});

test('a full server says so, and when to try again', async () => {
  await open({ capacity: 1 });
  await rig.start({ session_id: 'one' });
  const { status, json, headers } = await rig.start({ session_id: 'two' });
  assert.deepEqual([status, json.code, headers.get('retry-after')], [503, 'server_full', '25']);
});

test('an offer is answered with the rate and with the time stamp at which the recording begins', async () => {
  await open();
  await rig.start({ session_id: 'one' });
  const { status, json } = await rig.offer({ ...offerFor('one'), fps: 25 });
  assert.deepEqual([status, json], [200, { sdp: 'the answer', type: 'answer', fps: 25, rtp_origin: 4_294_967_000 }]);
});

test('the rate that a client wishes must be one; what it gets is 25', async () => {
  await open();
  await rig.start({ session_id: 'one' });
  assert.equal((await rig.offer({ ...offerFor('one'), fps: 30 })).json.fps, 25);
  for (const fps of [0, -25, 61, 25.5, '25', null, [25], 1e300]) {
    const { status, json } = await rig.offer({ ...offerFor('one'), fps });
    assert.deepEqual([status, json.code], [400, 'bad_message'], String(fps));
  }
});

test('a later offer of the same connection goes on with it, one of another connection adds a viewer', async () => {
  await open();
  await rig.start({ session_id: 'one' });
  await rig.offer(offerFor('one', sdpOf('A')));
  assert.equal((await rig.offer(offerFor('one', sdpOf('A', 2)))).json.sdp, 'answer 2 to it');
  assert.equal(rig.peers.all.length, 1);
  await rig.offer(offerFor('one', sdpOf('B')));
  assert.equal(rig.peers.all.length, 2);
});

test('a session takes no more viewers than it may', async () => {
  await open();
  await rig.start({ session_id: 'one' });
  const statuses: number[] = [];
  for (let i = 0; i < 9; i += 1) statuses.push((await rig.offer(offerFor('one', sdpOf(`C${i}`)))).status);
  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 200, 200, 200, 503]);
});

test('an offer that cannot be answered leaves the session for a better one', async () => {
  await open();
  await rig.start({ session_id: 'one' });
  assert.equal((await rig.offer(offerFor('one', 'bad'))).json.code, 'bad_sdp');
  assert.equal((await rig.offer(offerFor('one'))).status, 200);
});

test('a session that ends while its offer is being answered is told as gone', async () => {
  await open();
  const gate = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  Object.defineProperty(rig.peers, 'gate', {
    get() {
      reached.resolve();
      return gate.promise;
    },
  });
  await rig.start({ session_id: 'one' });
  const answer = rig.offer(offerFor('one'));
  await reached.promise;
  await rig.start({ session_id: 'one' });
  gate.resolve();
  assert.equal((await answer).json.code, 'session_not_found');
  assert.equal((await rig.offer(offerFor('one'))).status, 200);
});

test('each route asks for its scope, and a key reaches no session of another one', async () => {
  const scopes: Readonly<Record<string, Scope>> = { viewer: 'view', kiosk: 'speak', other: 'speak' };
  await open({
    access: {
      isRequired: true,
      async admit(credential = '', scope) {
        const granted = scopes[credential];
        if (!granted) throw new AppError('unauthorized', 'Give a key.');
        if (!covers(granted, scope)) throw new AppError('forbidden', 'Not with this key.');
        return {
          subject: credential,
          credential: 'key',
          scope: granted,
          maxSessions: null,
          maxRequestsPerSecond: null,
          sessionId: null,
        };
      },
    },
  });
  const as = (key: string) => ({ authorization: `Bearer ${key}` });
  const start = '/realtime/start?session_id=one&audio_path=sam/hello.wav';
  for (const [method, path, body] of [
    ['POST', '/avatar/initialize'],
    ['POST', '/avatar/prepare?avatar_id=x&video_path=sam/talk.mp4'],
    ['POST', start],
    ['POST', '/offer', offerFor('one')],
  ] as const) {
    assert.equal((await rig.call(method, path, body)).status, 401, path);
    assert.equal((await rig.call(method, path, body, as('viewer'))).status, 403, path);
  }
  assert.equal((await rig.call('GET', '/musetalk/status', undefined, as('viewer'))).status, 200);
  const started = await rig.call('POST', start, undefined, as('kiosk'));
  assert.equal(started.status, 200);
  assert.equal((await rig.call('POST', '/offer', offerFor('one'), as('other'))).status, 404);
  assert.equal((await rig.call('POST', start, undefined, as('other'))).json.code, 'session_exists');
  assert.equal((await rig.call('POST', '/offer', offerFor('one'), as('kiosk'))).status, 200);
  const [url] = started.json.audio_urls as string[];
  assert.equal((await fetch(`http://127.0.0.1:${rig.port}${url}`)).status, 200);
});
