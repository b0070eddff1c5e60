import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type HttpRig, type HttpRigOptions, openHttpRig } from '../testing/http-rig.ts';
import type { TextClient } from '../testing/text-client.ts';

const OFFER = ['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 'a=fingerprint:sha-256 AA', 'a=ice-ufrag:one', ''].join('\r\n');
const RESTART = OFFER.replace('o=- 1 1', 'o=- 1 2').replace('ufrag:one', 'ufrag:two');
const OTHER = OFFER.replace('o=- 1 1', 'o=- 2 1').replace(' AA', ' BB').replace('ufrag:one', 'ufrag:three');

let rig: HttpRig;
afterEach(() => rig.close());

async function open(options?: HttpRigOptions): Promise<TextClient> {
  rig = await openHttpRig(options);
  return rig.client();
}

/** Waits until `holds`, for things that have no message of their own. The runner's own time limit ends a wait for nothing. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

async function startSession(client: TextClient): Promise<void> {
  assert.deepEqual(await client.ask({ type: 'offer', sdp: OFFER }), { type: 'answer', sdp: 'the answer' });
  assert.equal((await client.next()).type, 'ice_candidate');
}

test('get_avatars lists those that are ready, with clips and portrait', async () => {
  const client = await open();
  rig.gallery.set('bert', 'preparing', 0.5);
  assert.deepEqual(await client.ask({ type: 'get_avatars' }), {
    type: 'avatars',
    avatars: [
      { id: 'anna', name: 'anna', video_path: 'anna.mp4', audio_clips: ['hello'], portrait: '/avatars/anna/portrait' },
    ],
  });
});

test('select_avatar is confirmed, and an unknown avatar is an error in the words of the protocol', async () => {
  const client = await open();
  assert.deepEqual(await client.ask({ type: 'select_avatar', avatar_id: 'bert' }), {
    type: 'avatar_selected',
    avatar_id: 'bert',
  });
  assert.deepEqual(await client.ask({ type: 'select_avatar', avatar_id: 'X' }), {
    type: 'error',
    code: 'avatar_not_found',
    message: 'Avatar X not found',
  });
});

test('an offer before select_avatar uses the first avatar', async () => {
  const client = await open();
  await startSession(client);
  assert.equal(rig.sessions.open[0].avatarId, 'anna');
  assert.notEqual(rig.sessions.open[0].microphone, null);
});

test('an offer after select_avatar uses the chosen one, and select_avatar then switches without a new answer', async () => {
  const client = await open();
  await client.ask({ type: 'select_avatar', avatar_id: 'bert' });
  await startSession(client);
  assert.equal(rig.sessions.open[0].avatarId, 'bert');
  assert.equal((await client.ask({ type: 'select_avatar', avatar_id: 'anna' })).type, 'avatar_selected');
  assert.equal(rig.sessions.open[0].avatarId, 'anna');
  assert.equal(rig.peers.all[0].offers.length, 1);
});

test('the candidates of the server come after its answer', async () => {
  const client = await open();
  await startSession(client);
  const later = { candidate: 'candidate:2 1 udp 1 192.0.2.2 5001 typ srflx', sdpMid: '0' };
  const received = client.next();
  rig.peers.all[0].peerEvents.onIceCandidate(null);
  rig.peers.all[0].peerEvents.onIceCandidate(later);
  assert.deepEqual(await received, { type: 'ice_candidate', candidate: later });
});

test('candidates before, during and after the offer reach the peer in order', async () => {
  const client = await open();
  const candidate = (n: number) => ({ candidate: `candidate:${n}`, sdpMid: '0', sdpMLineIndex: 0 });
  client.send({ type: 'ice_candidate', candidate: candidate(1) });
  const answer = client.next();
  client.send({ type: 'offer', sdp: OFFER });
  client.send({ type: 'ice_candidate', candidate: candidate(2) });
  await answer;
  client.send({ type: 'ice_candidate', candidate: { candidate: '', sdpMid: '0' } });
  client.send({ type: 'ice_candidate', candidate: null });
  await until(() => rig.peers.all[0].candidates.length === 4);
  assert.deepEqual(
    rig.peers.all[0].candidates.map((each) => each?.candidate ?? null),
    ['candidate:1', 'candidate:2', null, null],
  );
});

test('a late candidate of an earlier connection is ignored', async () => {
  const client = await open();
  await startSession(client);
  client.send({ type: 'ice_candidate', candidate: { candidate: 'candidate:1', usernameFragment: 'old' } });
  client.send({ type: 'ice_candidate', candidate: { candidate: 'candidate:2', usernameFragment: 'one' } });
  await until(() => rig.peers.all[0].candidates.length > 0);
  assert.equal(rig.peers.all[0].candidates[0]?.candidate, 'candidate:2');
});

test('a thousand candidates without an offer do no harm', async () => {
  const client = await open({ maxMessagesPerSecond: 10_000 });
  for (let i = 0; i < 1000; i += 1) {
    client.send({ type: 'ice_candidate', candidate: { candidate: `candidate:${i}` } });
    // So many at once would fill the queue of the socket, and what comes then is ignored.
    if (i % 20 === 19) assert.equal((await client.ask({ type: 'ping' })).type, 'pong');
  }
  const messages = await untilType(client, { type: 'offer', sdp: OFFER }, 'answer');
  assert.equal(messages.at(-1)?.type, 'answer');
  assert.ok(rig.peers.all[0].candidates.length <= 64);
});

test('a second offer of the same connection renegotiates with the same peer and session', async () => {
  const client = await open();
  await startSession(client);
  assert.deepEqual(await client.ask({ type: 'offer', sdp: RESTART }), { type: 'answer', sdp: 'answer 2 to it' });
  assert.equal(rig.sessions.all.length, 1);
});

test('the offer of a new connection over the same socket replaces the session', async () => {
  const client = await open({ capacity: 1 });
  await startSession(client);
  assert.equal((await client.ask({ type: 'offer', sdp: OTHER })).sdp, 'the answer');
  assert.match(rig.sessions.all[0].closedBecause ?? '', /replaced/);
  assert.equal(rig.sessions.open.length, 1);
});

test('an offer after the peer has gone makes a new session', async () => {
  const client = await open();
  await startSession(client);
  rig.peers.all[0].peerEvents.onClosed('disconnected');
  assert.equal((await client.ask({ type: 'offer', sdp: RESTART })).sdp, 'the answer');
  assert.equal(rig.sessions.all.length, 2);
  assert.equal(rig.sessions.open.length, 1);
});

test('an offer that is no SDP is an error, frees its session, and the next offer works', async () => {
  const client = await open({ capacity: 1 });
  assert.equal((await client.ask({ type: 'offer', sdp: 'bad' })).code, 'bad_sdp');
  assert.equal(rig.sessions.open.length, 0);
  await startSession(client);
});

test('a full server says so and when to come back', async () => {
  const client = await open({ capacity: 0 });
  const error = await client.ask({ type: 'offer', sdp: OFFER });
  assert.equal(error.code, 'server_full');
  assert.equal(error.retry_after_s, 25);
});

test('while the avatars are prepared offers answer not_ready and the socket stays', async () => {
  const client = await open();
  rig.gallery.set('anna', 'preparing');
  rig.gallery.set('bert', 'waiting');
  assert.equal((await client.ask({ type: 'offer', sdp: OFFER })).code, 'not_ready');
  assert.equal((await client.ask({ type: 'select_avatar', avatar_id: 'anna' })).code, 'not_ready');
  assert.deepEqual((await client.ask({ type: 'get_avatars' })).avatars, []);
  rig.gallery.set('bert', 'ready');
  await startSession(client);
  assert.equal(rig.sessions.open[0].avatarId, 'bert');
});

test('an avatar that could not be prepared says why', async () => {
  const client = await open();
  rig.gallery.set('bert', 'failed', 0, 'Failed to initialize avatar bert: No face detected');
  const error = await client.ask({ type: 'select_avatar', avatar_id: 'bert' });
  assert.deepEqual(
    [error.code, error.message],
    ['avatar_invalid', 'Failed to initialize avatar bert: No face detected'],
  );
});

test('a socket that closes frees its session at once', async () => {
  const client = await open();
  await startSession(client);
  await client.close();
  await until(() => rig.sessions.open.length === 0);
  assert.equal(rig.sessions.all[0].closedBecause, 'client left');
});

test('a socket that closes while its offer is answered leaves no session behind', async () => {
  const client = await open();
  let openGate = () => {};
  rig.peers.gate = new Promise((resolve) => {
    openGate = resolve;
  });
  client.send({ type: 'offer', sdp: OFFER });
  await until(() => rig.sessions.all.length === 1);
  await client.close();
  await until(() => rig.sessions.open.length === 0);
  openGate();
  await until(() => rig.peers.all.length === 1);
  assert.equal(rig.sessions.open.length, 0);
});

test('a viewer that never connects is given up', async () => {
  const client = await open({ connectTimeoutMs: 20 });
  await startSession(client);
  await until(() => rig.sessions.open.length === 0);
  assert.match(rig.sessions.all[0].closedBecause ?? '', /did not connect in time/);
});

test('a viewer that connected in time stays', async () => {
  const client = await open({ connectTimeoutMs: 200 });
  await startSession(client);
  rig.peers.all[0].peerEvents.onConnected();
  const other = await rig.client();
  await startSession(other);
  await until(() => rig.sessions.open.length === 1);
  assert.equal(rig.sessions.all[0].closedBecause, null);
});

test('clips play and are interrupted in the session, and without one that is an error', async () => {
  const client = await open();
  assert.equal((await client.ask({ type: 'play_clip', clip: 'hello' })).code, 'no_session');
  await startSession(client);
  client.send({ type: 'play_clip', clip: 'hello' });
  client.send({ type: 'interrupt' });
  assert.equal((await client.ask({ type: 'play_clip', clip: 'unknown' })).code, 'clip_not_found');
  assert.deepEqual([rig.sessions.open[0].clips, rig.sessions.open[0].interrupts], [['hello'], 1]);
});

test('get_config gives the ICE servers and ping gives pong', async () => {
  const client = await open();
  assert.deepEqual(await client.ask({ type: 'get_config' }), {
    type: 'config',
    ice_servers: [{ urls: 'stun:stun.example.org' }],
  });
  assert.deepEqual(await client.ask({ type: 'ping' }), { type: 'pong' });
});

test('figures come to a client that asked for them', async () => {
  const client = await open();
  await startSession(client);
  assert.deepEqual(await client.ask({ type: 'subscribe_figures' }), {
    type: 'figures',
    session_id: 'session-0',
    delay_ms: 130,
  });
});

test('an answer of the client is an error, because the server never offers', async () => {
  const client = await open();
  assert.equal((await client.ask({ type: 'answer', sdp: 'v=0' })).code, 'bad_message');
});

test('messages that are none are errors and the socket stays', async () => {
  const client = await open();
  const bad = [
    '',
    'hello',
    '{',
    '[]',
    'null',
    '3',
    '"offer"',
    '{}',
    '{"type":null}',
    '{"type":"toString"}',
    '{"type":["offer"]}',
    '{"type":"offer"}',
    '{"type":"offer","sdp":7}',
    '{"type":"offer","sdp":{"type":"offer","sdp":"v=0"}}',
    '{"type":"select_avatar"}',
    '{"type":"select_avatar","avatar_id":["anna"]}',
    `{"type":"select_avatar","avatar_id":"${'a'.repeat(300)}"}`,
    '{"type":"ice_candidate"}',
    '{"type":"ice_candidate","candidate":"candidate:1"}',
    '{"type":"ice_candidate","candidate":{}}',
    '{"type":"ice_candidate","candidate":{"candidate":"c","sdpMid":3}}',
    '{"type":"ice_candidate","candidate":{"candidate":"c","sdpMLineIndex":-1}}',
    '{"type":"play_clip","clip":""}',
    `${'['.repeat(4000)}`,
    '{"__proto__":{"type":"get_avatars"}}',
  ];
  for (const text of bad) {
    const error = await client.ask(text);
    assert.deepEqual([error.type, error.code], ['error', 'bad_message'], text);
    assert.ok(String(error.message).length > 10, text);
  }
  assert.equal((await client.ask({ type: 'ping' })).type, 'pong');
  assert.equal(rig.sessions.all.length, 0);
});

test('an unknown type is answered with the known ones', async () => {
  const client = await open();
  const { message } = await client.ask({ type: 'offr' });
  assert.match(String(message), /^type must be one of get_avatars, select_avatar, offer, .*, got "offr"$/);
});

test('random bytes in the place of messages never end the socket', async () => {
  const client = await open({ maxMessagesPerSecond: 10_000 });
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed;
  };
  const valid = JSON.stringify({ type: 'ice_candidate', candidate: { candidate: 'candidate:1', sdpMid: '0' } });
  for (let i = 0; i < 300; i += 1) {
    const characters = [...valid];
    for (let n = random() % 4; n >= 0; n -= 1)
      characters[random() % valid.length] = String.fromCharCode(random() % 0x300);
    client.send(characters.join(''));
    await untilType(client, { type: 'ping' }, 'pong');
  }
});

test('a binary frame is an error and the socket stays', async () => {
  const client = await open();
  const answer = client.next();
  client.socket.send(Buffer.from('{"type":"ping"}'), { binary: true });
  assert.match(String((await answer).message), /binary/);
  assert.equal((await client.ask({ type: 'ping' })).type, 'pong');
});

test('a message above the limit is an error and the socket stays', async () => {
  const client = await open();
  const error = await client.ask({ type: 'offer', sdp: 'x'.repeat(10_000) });
  assert.equal(error.code, 'message_too_large');
  assert.match(String(error.message), /at most 10000 bytes, got 10\d\d\d/);
  assert.equal((await client.ask({ type: 'ping' })).type, 'pong');
});

test('a message above 2 MiB closes the socket with 1009 and frees the session', async () => {
  const client = await open();
  await startSession(client);
  client.send('x'.repeat(2 * 1_048_576 + 1));
  assert.equal(await client.closed(), 1009);
  await until(() => rig.sessions.open.length === 0);
});

test('messages beyond the rate are ignored with one complaint, and a client that goes on is cut off', async () => {
  const client = await open({ maxMessagesPerSecond: 5 });
  const complaints: unknown[] = [];
  client.socket.on('message', (data: Buffer) => {
    const { type, message } = JSON.parse(data.toString());
    if (type === 'error') complaints.push(message);
  });
  const closed = client.closed();
  for (let i = 0; i < 100; i += 1) client.send({ type: 'ping' });
  assert.equal(await closed, 1008);
  assert.equal(complaints.length, 1);
  assert.match(String(complaints[0]), /At most 5 messages per second/);
});

/** Sends and collects messages until one of `type` has come. */
async function untilType(client: TextClient, message: object, type: string): Promise<Record<string, unknown>[]> {
  const messages = [await client.ask(message)];
  while (messages.at(-1)?.type !== type) messages.push(await client.next());
  return messages;
}

test('subscribe_mouth before the offer tells the mouth of the session that the offer makes, and of the next one', async () => {
  const client = await open();
  client.send({ type: 'subscribe_mouth' });
  await startSession(client);
  assert.equal(rig.sessions.all[0].mouthListeners.size, 1);
  rig.sessions.all[0].speak(7);
  const { type, frame, time_ms, parameters, visemes } = await client.next();
  assert.deepEqual([type, frame, time_ms, parameters, visemes], ['mouth', 7, 280, { jaw: 0.5 }, { aa: 1 }]);
  await client.ask({ type: 'offer', sdp: OTHER });
  assert.deepEqual(
    rig.sessions.all.map(({ mouthListeners }) => mouthListeners.size),
    [0, 1],
  );
  await client.close();
  await until(() => rig.sessions.all[1].mouthListeners.size === 0);
});

test('subscribe_mouth while live begins at once, and twice is once', async () => {
  const client = await open();
  await startSession(client);
  client.send({ type: 'subscribe_mouth' });
  client.send({ type: 'subscribe_mouth' });
  assert.equal((await client.ask({ type: 'ping' })).type, 'pong');
  assert.equal(rig.sessions.all[0].mouthListeners.size, 1);
});
