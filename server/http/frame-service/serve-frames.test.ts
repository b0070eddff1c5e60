import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../errors.ts';
import { FakeEncoders } from '../../testing/fakes.ts';
import type { FrameClient, ServerSays } from '../../testing/frame-client.ts';
import { type FrameRig, type FrameRigOptions, openFrameRig } from '../../testing/frame-rig.ts';
import { BINARY_SUBPROTOCOL } from './binary-frames.ts';
import { FRAME_SERVICE_ERRORS } from './server-message.ts';

const video = fc.constantFrom('idle_0', 'speaking_0', 'speaking_3', 'action_1', 'action_8');

let rig: FrameRig;
afterEach(() => rig.close());

async function open(options: FrameRigOptions = {}): Promise<FrameRig> {
  rig = await openFrameRig(options);
  return rig;
}

async function begin(options: FrameRigOptions = {}): Promise<FrameClient> {
  return (await open(options)).session();
}

function codeOf(message: ServerSays): unknown {
  assert.equal(message.type, 'ERROR', JSON.stringify(message));
  assert.equal(typeof message.data.message, 'string');
  return message.data.code;
}

const timestamps = (client: FrameClient) => client.frames.map(({ data }) => data.frame_timestamp);

test('INIT opens a session, says what can be seen, and the video begins and never stops', async () => {
  await open();
  const client = await rig.client('anna');
  const answer = await client.init({ user_id: 'anna', video_config: { resolution: '512x512', fps: 25 } });
  assert.equal(answer.type, 'INIT_SUCCESS');
  assert.equal(answer.session_id, rig.registry.list()[0].id);
  assert.deepEqual(answer.data, {
    model_loaded: true,
    available_videos: ['idle_0', 'speaking_0', 'action_1', 'action_2'],
    default_video: 'idle_0',
    streaming_started: true,
    delay_ms: 90,
  });
  await client.untilFrames(5);
  assert.deepEqual(timestamps(client).slice(0, 5), [0, 40, 80, 120, 160]);
  assert.deepEqual(
    client.frames.map(({ data }) => Buffer.from(String(data.frame_data), 'base64')[0]).slice(0, 4),
    [0, 1, 2, 3],
  );
  assert.ok(client.frames.every(({ type, session_id }) => type === 'VIDEO_FRAME' && session_id === answer.session_id));
});

test('a user gets the avatar that the configuration gives them, and may have several sessions', async () => {
  await open();
  const [one, two, other] = await Promise.all([rig.session('bert'), rig.session('bert'), rig.session('nobody')]);
  assert.notEqual(one.sessionId, two.sessionId);
  const avatars = new Map(rig.registry.list().map((session) => [session.id, session.avatarId]));
  assert.deepEqual(
    [one, two, other].map(({ sessionId }) => avatars.get(sessionId)),
    ['bert', 'bert', 'anna'],
  );
});

test('a user whose name is none is closed with 1003', async () => {
  await open();
  for (const user of ['', 'a'.repeat(65), 'a'.repeat(300), 'a%20b', 'a/b', '..%2f..%2fetc', 'jürgen', 'a.b']) {
    const client = await rig.client(encodeURI(user).replaceAll('%25', '%'));
    assert.equal(await client.closed(), 1003, user);
  }
  const client = await rig.session('a'.repeat(64));
  assert.ok(client.sessionId);
});

test('sound is shown by lip-synced frames that say where in the sound they stand, and idle comes back', async () => {
  const client = await begin();
  for (let i = 0; i < 5; i += 1) client.generate(40, { video_state: { type: 'speaking', base_video: 'speaking_0' } });
  await client.until(() => client.frames.some(({ data }) => data.audio_timestamp !== undefined));
  // The clips of the test have no picture in common, so they fade for a while.
  await client.untilFrames(client.frames.length + 80);
  const heard = client.frames.filter(({ data }) => data.audio_timestamp !== undefined);
  const offsets = heard.map(({ data }) => Number(data.audio_timestamp) - Number(data.frame_timestamp));
  assert.ok(heard.length >= 5 && heard.length <= 6, `${heard.length} frames of 200 ms`);
  assert.equal(new Set(offsets).size, 1, 'one clock');
  assert.ok(Number(heard[0].data.audio_timestamp) <= 0 && Number(heard[0].data.audio_timestamp) > -40);
  const drawn = client.frames.filter(({ data }) => Buffer.from(String(data.frame_data), 'base64')[0] === 200);
  assert.ok(drawn.length >= 5);
  assert.ok(rig.scheduler.jobs.some(({ job }) => job.clipName === 'speaking_0'));
  assert.equal(Buffer.from(String(client.frames.at(-1)?.data.frame_data), 'base64')[0] < 10, true);
  assert.deepEqual(
    timestamps(client),
    client.frames.map((_, i) => 40 * i),
    'no frame is missing',
  );
});

test('chunks of any even length up to a second are taken, the 640 bytes of the other document among them', async () => {
  const client = await begin();
  for (const bytes of [2, 640, 1280, 32_000]) {
    client.say('GENERATE', { audio_chunk: { data: Buffer.alloc(bytes).toString('base64') } });
  }
  client.say('STATE_CHANGE', { target_state: 'idle', base_video: 'idle_0' });
  assert.equal((await client.next()).type, 'STATE_CHANGED');
});

test('sound that is sent faster than it plays waits up to the limit, and what exceeds it is refused', async () => {
  const client = await begin({ maxQueuedAudioMs: 1000 });
  for (let i = 0; i < 30; i += 1) client.generate(40);
  const refused = await client.next();
  assert.equal(codeOf(refused), 'RATE_LIMIT_EXCEEDED');
  assert.equal(refused.session_id, client.sessionId);
  await client.until(() => client.frames.some(({ data }) => Number(data.audio_timestamp) >= 900));
  assert.ok(client.waiting.length <= 5, 'what fits was taken');
});

test('sound slower than real time never stalls the picture', async () => {
  const client = await begin();
  await client.untilFrames(3);
  for (let i = 0; i < 5; i += 1) {
    client.generate(40);
    await client.untilFrames(client.frames.length + 3);
  }
  assert.deepEqual(
    timestamps(client),
    client.frames.map((_, i) => 40 * i),
  );
});

test('STATE_CHANGE shows another clip and answers what is shown', async () => {
  const client = await begin();
  const change = (target_state: string, base_video?: string) =>
    client.ask({ type: 'STATE_CHANGE', session_id: client.sessionId, data: { target_state, base_video } });
  const answer = await change('speaking', 'speaking_0');
  assert.deepEqual(
    [answer.type, answer.data],
    ['STATE_CHANGED', { current_state: 'speaking', current_video: 'speaking_0' }],
  );
  await client.until(() => Buffer.from(String(client.frames.at(-1)?.data.frame_data), 'base64')[0] >= 50);
  assert.deepEqual((await change('idle')).data, { current_state: 'idle', current_video: 'idle_0' });
  assert.deepEqual((await change('action', 'action_2')).data, { current_state: 'action', current_video: 'action_2' });
  const refused = await change('speaking', 'speaking_7');
  assert.equal(codeOf(refused), 'MODEL_NOT_FOUND');
  assert.deepEqual(refused.data.details, {
    in_reply_to: 'STATE_CHANGE',
    available_videos: ['idle_0', 'speaking_0', 'action_1', 'action_2'],
  });
  assert.equal(codeOf(await change('idle', 'action_1')), 'INVALID_MESSAGE');
  assert.equal(codeOf(await change('dancing', 'idle_0')), 'INVALID_MESSAGE');
});

test('an ACTION is announced and then played as ACTION_FRAMEs whose progress ends at 1', async () => {
  const client = await begin();
  const answer = await client.ask({ type: 'ACTION', session_id: client.sessionId, data: { action_index: 1 } });
  assert.deepEqual([answer.type, answer.data], ['ACTION_TRIGGERED', { action_index: 1, inserted: true }]);
  const actions = () => client.frames.filter(({ type }) => type === 'ACTION_FRAME');
  await client.until(() => actions().length === 5);
  await client.untilFrames(client.frames.length + 3);
  assert.deepEqual(
    actions().map(({ data }) => [data.action_index, data.action_progress]),
    [0.2, 0.4, 0.6, 0.8, 1].map((progress) => [1, progress]),
  );
  assert.deepEqual(
    timestamps(client),
    client.frames.map((_, i) => 40 * i),
    'the stream is one',
  );
  assert.equal(
    codeOf(await client.ask({ type: 'ACTION', session_id: client.sessionId, data: { action_index: 3 } })),
    'MODEL_NOT_FOUND',
  );
});

test('an ACTION while sound plays is inserted after it', async () => {
  const client = await begin();
  client.generate(600);
  await client.until(() => client.frames.some(({ data }) => data.audio_timestamp !== undefined));
  client.say('ACTION', { action_index: 2 });
  await client.until(() => client.frames.some(({ type }) => type === 'ACTION_FRAME'));
  const first = client.frames.findIndex(({ type }) => type === 'ACTION_FRAME');
  const lastHeard = client.frames.findLastIndex(({ data }) => data.audio_timestamp !== undefined);
  assert.ok(first > lastHeard, `action at ${first}, sound until ${lastHeard}`);
  assert.ok(Number(client.frames[lastHeard].data.audio_timestamp) >= 560);
});

test('an ACTION for now silences the sound that waits', async () => {
  const client = await begin();
  for (let i = 0; i < 4; i += 1) client.generate(1_000);
  await client.until(() => client.frames.some(({ data }) => data.audio_timestamp !== undefined));
  const act = (when: string) =>
    client.ask({ type: 'ACTION', session_id: client.sessionId, data: { action_index: 2, when } });
  assert.equal((await act('now')).type, 'ACTION_TRIGGERED');
  await client.until(() => client.frames.some(({ type }) => type === 'ACTION_FRAME'));
  const heard = client.frames.findLast(({ data }) => data.audio_timestamp !== undefined);
  assert.ok(Number(heard?.data.audio_timestamp) < 3_000, `${heard?.data.audio_timestamp} ms of 4 s were heard`);
  assert.equal(codeOf(await act('soon')), 'INVALID_MESSAGE');
});

test('CLOSE is acknowledged, the socket closes, and nothing is left', async () => {
  const encoders = new FakeEncoders();
  const client = await begin({ encoders });
  const closed = client.closed();
  const answer = await client.ask({ type: 'CLOSE', session_id: client.sessionId, data: {} });
  assert.deepEqual(answer, {
    type: 'CLOSE_ACK',
    session_id: client.sessionId,
    data: { reason: 'client_request' },
  });
  assert.equal(await closed, 1000);
  assert.equal(rig.registry.size, 0);
  assert.equal(encoders.opened, 1);
  assert.equal(encoders.opened, encoders.closed);
});

test('a client that vanishes frees its session', async () => {
  const client = await begin();
  const [session] = rig.registry.list();
  const closed = new Promise<string>((resolve) => session.onClosed(resolve));
  client.socket.terminate();
  assert.equal(await closed, 'client left');
});

test('messages of another session, and those before INIT, are refused and change nothing', async () => {
  await open();
  const [client, other] = await Promise.all([rig.client(), rig.session()]);
  for (const type of ['GENERATE', 'STATE_CHANGE', 'ACTION', 'CLOSE']) {
    const data = {
      audio_chunk: { data: Buffer.alloc(1280).toString('base64') },
      target_state: 'idle',
      base_video: 'idle_0',
      action_index: 1,
    };
    assert.equal(codeOf(await client.ask({ type, session_id: other.sessionId, data })), 'INVALID_SESSION', type);
    assert.equal(codeOf(await other.ask({ type, session_id: 'another', data })), 'INVALID_SESSION', type);
    assert.equal(codeOf(await other.ask({ type, data })), 'INVALID_SESSION', type);
  }
  assert.equal(rig.registry.size, 1);
  await other.untilFrames(3);
});

test('one socket is one session: a second INIT is refused', async () => {
  const client = await begin();
  assert.equal(codeOf(await client.ask({ type: 'INIT', session_id: client.sessionId, data: {} })), 'INVALID_MESSAGE');
  assert.equal(rig.registry.size, 1);
});

test('INIT with another user, resolution or rate is refused and may be tried again', async () => {
  await open();
  const client = await rig.client('anna');
  for (const data of [
    { user_id: 'bert' },
    { user_id: 7 },
    { video_config: { resolution: '1024x1024', fps: 25 } },
    { video_config: { resolution: '512x512', fps: 30 } },
    { video_config: [] },
    { auth_token: {} },
  ]) {
    assert.equal(codeOf(await client.init(data)), 'INVALID_MESSAGE', JSON.stringify(data));
  }
  assert.equal((await client.init()).type, 'INIT_SUCCESS');
});

test('an avatar that is not ready, failed or unknown, a full server and a starting one have their own codes', async () => {
  await open({ capacity: 1, avatarOf: (user) => user });
  const refusal = async (user: string) => {
    const client = await rig.client(user);
    return client.init();
  };
  rig.gallery.set('bert', 'preparing', 0.5);
  assert.equal(codeOf(await refusal('bert')), 'SERVICE_NOT_READY');
  rig.gallery.set('bert', 'failed', 0, 'no face');
  assert.equal(codeOf(await refusal('bert')), 'MODEL_NOT_FOUND');
  assert.equal(codeOf(await refusal('carl')), 'MODEL_NOT_FOUND');
  await rig.session('anna');
  const full = await refusal('anna');
  assert.equal(codeOf(full), 'SERVICE_NOT_READY');
  assert.deepEqual(full.data.details, { retry_after_s: 10, in_reply_to: 'INIT' });
});

test('a bad token is told and the socket closed; a good one, in INIT or with the request, is let in', async () => {
  const admit = async (credential: string | undefined) => {
    if (credential !== 'good') throw new AppError('unauthorized', 'This needs a key.');
    const limits = { maxSessions: null, maxRequestsPerSecond: null, sessionId: null };
    return { subject: 'one', scope: 'speak', credential: 'token', ...limits } as const;
  };
  await open({ access: { isRequired: true, admit } });
  for (const data of [{}, { auth_token: 'bad' }]) {
    const client = await rig.client();
    const closed = client.closed();
    assert.equal(codeOf(await client.init(data)), 'UNAUTHORIZED');
    assert.equal(await closed, 1008);
  }
  assert.equal(rig.registry.size, 0);
  const client = await rig.client();
  assert.equal((await client.init({ auth_token: 'good' })).type, 'INIT_SUCCESS');
  const byHeader = await rig.client('anna', { headers: { authorization: 'Bearer good' } });
  assert.equal((await byHeader.init()).type, 'INIT_SUCCESS');
});

test('a client that sends no INIT in time is told and cut off; one that sent it is not', async () => {
  await open({ initTimeoutMs: 150 });
  const [silent, prompt] = [await rig.client(), await rig.session()];
  const closed = silent.closed();
  assert.equal(codeOf(await silent.next()), 'INVALID_SESSION');
  assert.equal(await closed, 1008);
  await prompt.untilFrames(10);
  assert.equal(rig.registry.size, 1);
});

test('a session whose client says nothing ends; any message keeps it', async () => {
  const client = await begin({ idleTimeoutMs: 300 });
  const startMs = performance.now();
  await client.untilFrames(3);
  client.say('PONG');
  const closed = client.closed();
  assert.equal(codeOf(await client.next()), 'INVALID_SESSION');
  assert.equal(await closed, 1008);
  assert.ok(performance.now() - startMs > 450, 'the message counted');
  assert.equal(rig.registry.size, 0);
});

test('PING comes at its interval', async () => {
  const client = await begin({ pingIntervalMs: 100 });
  for (let i = 0; i < 2; i += 1) {
    const { type, session_id, data } = await client.next();
    assert.deepEqual([type, session_id], ['PING', client.sessionId]);
    assert.ok(Math.abs(Number(data.timestamp) - Date.now()) < 5000);
  }
});

test('too many messages are ignored and told once; a client that goes on is cut off', async () => {
  const client = await begin({ maxMessagesPerSecond: 10 });
  const closed = client.closed();
  for (let i = 0; i < 200; i += 1) client.say('PONG');
  assert.equal(await closed, 1008);
  const complaints = client.waiting.map(codeOf);
  assert.ok(complaints.length >= 1 && complaints.length <= 2, `${complaints.length} complaints`);
  assert.ok(complaints.every((code) => code === 'RATE_LIMIT_EXCEEDED'));
});

test('a message that is too long is refused and the session goes on; one beyond all measure closes the socket', async () => {
  const client = await begin();
  const long = { type: 'GENERATE', session_id: client.sessionId, data: { audio_chunk: { data: 'A'.repeat(70_000) } } };
  assert.equal(codeOf(await client.ask(long)), 'INVALID_MESSAGE');
  await client.untilFrames(client.frames.length + 2);
  const closed = client.closed();
  client.send('x'.repeat(2_200_000));
  assert.equal(await closed, 1009);
});

test('with the binary subprotocol sound and pictures go without base64 and mean the same', async () => {
  await open();
  const client = await rig.session('anna', { protocols: [BINARY_SUBPROTOCOL] });
  assert.equal(client.socket.protocol, BINARY_SUBPROTOCOL);
  const pcm = Buffer.from(Int16Array.from({ length: 3200 }, (_, n) => 12_000 * Math.sin(n / 8)).buffer);
  client.send(Buffer.concat([Buffer.from([1, 1, 10]), Buffer.from('speaking_0'), pcm]));
  await client.until(() => client.binary.some((frame) => (frame[1] & 2) === 2));
  client.say('ACTION', { action_index: 2 });
  assert.equal((await client.next()).type, 'ACTION_TRIGGERED');
  await client.until(() => client.binary.some((frame) => frame[0] === 3 && frame.readFloatLE(12) === 1));
  assert.equal(client.frames.length, 0);
  assert.deepEqual(
    client.binary.map((frame) => frame.readUInt32LE(4)),
    client.binary.map((_, i) => 40 * i),
  );
  assert.equal(client.binary[0][1] & 1, 1, 'begins with a key frame');
  const heard = client.binary.filter((frame) => (frame[1] & 2) === 2);
  const offsets = heard.map((frame) => frame.readInt32LE(8) - frame.readUInt32LE(4));
  assert.equal(new Set(offsets).size, 1);
  assert.ok(heard.length >= 5 && heard.length <= 6);
  assert.equal(client.binary.find((frame) => frame[0] === 3)?.readUInt16LE(2), 2);
  assert.ok(rig.scheduler.jobs.some(({ job }) => job.clipName === 'speaking_0'));
});

test('binary messages that mean nothing are refused, and so are all of a client that did not ask for them', async () => {
  await open();
  const client = await rig.session('anna', { protocols: [BINARY_SUBPROTOCOL] });
  const broken = [[], [9], [1], [1, 1], [1, 7, 0, 1, 1], [1, 255, 9, 1, 1], [1, 255, 0, 1], [1, 255, 2, 65, 66, 0, 0]];
  for (const bytes of broken) {
    assert.equal(codeOf(await client.ask(Uint8Array.from(bytes))), 'INVALID_MESSAGE', bytes.join(' '));
  }
  const other = await rig.session();
  assert.equal(codeOf(await other.ask(Uint8Array.of(1, 255, 0, 1, 1))), 'INVALID_MESSAGE');
});

test('a server that shuts down tells its clients', async () => {
  const client = await begin();
  const closed = client.closed();
  const said = client.next();
  await rig.registry.closeAll(0);
  assert.equal(codeOf(await said), 'INVALID_SESSION');
  assert.equal(await closed, 1001);
});

test('whatever a client says, it gets answers of the contract, and another session goes on as if nothing were', async () => {
  await open();
  const bystander = await rig.session();
  const data = fc.record(
    {
      audio_chunk: fc.oneof(fc.jsonValue(), fc.record({ data: fc.base64String({ maxLength: 200 }) })),
      video_state: fc.oneof(
        fc.jsonValue(),
        fc.record({ type: fc.constantFrom('idle', 'speaking'), base_video: video }),
      ),
      target_state: fc.oneof(fc.constantFrom('idle', 'speaking', 'action'), fc.jsonValue()),
      base_video: fc.oneof(video, fc.jsonValue()),
      action_index: fc.oneof(fc.integer({ min: -1, max: 4 }), fc.jsonValue()),
      video_config: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const type = fc.constantFrom('INIT', 'GENERATE', 'STATE_CHANGE', 'ACTION', 'PONG', 'X');
  const message = fc.record({ type, own: fc.boolean(), data: fc.oneof(data, fc.jsonValue()) });
  const run = fc.asyncProperty(fc.array(message, { maxLength: 12 }), fc.boolean(), async (messages, begins) => {
    const client = await rig.client();
    if (begins) await client.init();
    for (const each of messages) {
      client.send({ type: each.type, session_id: each.own ? client.sessionId : 'other', data: each.data });
    }
    // The end of all answers is known by the answer to a message whose answer is sure.
    client.send({ type: 'STATE_CHANGE', session_id: client.sessionId, data: { target_state: 'last' } });
    let last: ServerSays;
    do {
      last = await client.next();
      assert.ok(['INIT_SUCCESS', 'STATE_CHANGED', 'ACTION_TRIGGERED', 'ERROR'].includes(last.type), last.type);
      if (last.type !== 'ERROR') continue;
      assert.ok(FRAME_SERVICE_ERRORS.some((code) => code === last.data.code && code !== 'INTERNAL_ERROR'));
    } while (!String(last.data.message).includes('got "last"'));
    client.socket.terminate();
  });
  await fc.assert(run, { numRuns: 40 });
  await bystander.untilFrames(bystander.frames.length + 2);
  assert.deepEqual(
    timestamps(bystander),
    bystander.frames.map((_, i) => 40 * i),
  );
  await bystander.until(() => rig.registry.size === 1);
  assert.equal(rig.registry.size, 1);
});
