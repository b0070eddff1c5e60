import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameClient, FrameServiceError, isKeyFrame, readPicture, soundMessage } from './frame-client.js';

/** A socket whose other end is the test. */
class FakeSocket extends EventTarget {
  static last;
  OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  sent = [];
  constructor(url, protocols) {
    super();
    Object.assign(this, { url, protocols });
    FakeSocket.last = this;
    queueMicrotask(() => this.dispatchEvent(new Event('open')));
  }
  send(data) {
    this.sent.push(typeof data === 'string' ? JSON.parse(data) : data);
  }
  say(type, data, session_id = 'theirs') {
    this.receive(JSON.stringify({ type, session_id, data }));
  }
  receive(data) {
    this.dispatchEvent(Object.assign(new Event('message'), { data }));
  }
  close(code = 1000, reason = '') {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason }));
  }
}

const URL_OF_ANNA = 'ws://localhost:8080/musetalk/v1/ws/anna';
const WELCOME = { available_videos: ['idle_0'], default_video: 'idle_0', delay_ms: 125 };
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function connect(options = {}, events = {}) {
  const connecting = FrameClient.connect(URL_OF_ANNA, { ...options, WebSocket: FakeSocket }, events);
  await turn();
  FakeSocket.last.say('INIT_SUCCESS', WELCOME);
  return { client: await connecting, socket: FakeSocket.last };
}

test('a client introduces itself and adopts the session that it is given', async () => {
  const { client, socket } = await connect({ authToken: 'secret' });
  assert.deepEqual(
    [socket.sent[0].type, socket.sent[0].data],
    ['INIT', { user_id: 'anna', video_config: { resolution: '512x512', fps: 25 }, auth_token: 'secret' }],
  );
  assert.equal(client.sessionId, 'theirs');
  assert.equal(client.welcome.delay_ms, 125);
  client.sendSound(Int16Array.of(1, -1), { state: 'speaking', baseVideo: 'speaking_0' });
  const { session_id, data } = socket.sent[1];
  assert.equal(session_id, 'theirs');
  assert.equal(data.audio_chunk.data, Buffer.from([1, 0, 255, 255]).toString('base64'));
  assert.deepEqual(data.video_state, { type: 'speaking', base_video: 'speaking_0' });
});

test('a refusal at the beginning is told as what the server said, and the socket closes', async () => {
  const connecting = FrameClient.connect(URL_OF_ANNA, { WebSocket: FakeSocket });
  await turn();
  FakeSocket.last.say('ERROR', { code: 'SERVICE_NOT_READY', message: 'full', details: { in_reply_to: 'INIT' } });
  await assert.rejects(connecting, (error) => error instanceof FrameServiceError && error.code === 'SERVICE_NOT_READY');
  assert.equal(FakeSocket.last.readyState, 3);
});

test('a server that takes no WebSocket is told as that', async () => {
  const connecting = FrameClient.connect(URL_OF_ANNA, { WebSocket: FakeSocket });
  FakeSocket.last.close(1006);
  await assert.rejects(connecting, /takes no WebSocket \(1006\)/);
});

test('each answer, and each error, reaches the question that it is for', async () => {
  const errors = [];
  const { client, socket } = await connect({}, { onError: ({ code }) => errors.push(code) });
  const changed = client.changeState('speaking', 'speaking_0');
  const acted = client.act(9);
  socket.say('PING', { timestamp: 1 });
  socket.say('ERROR', { code: 'RATE_LIMIT_EXCEEDED', message: 'slow down', details: { in_reply_to: 'GENERATE' } });
  socket.say('ERROR', { code: 'MODEL_NOT_FOUND', message: 'no action_9', details: { in_reply_to: 'ACTION' } });
  socket.say('STATE_CHANGED', { current_state: 'speaking', current_video: 'speaking_0' });
  await assert.rejects(acted, { code: 'MODEL_NOT_FOUND' });
  assert.equal((await changed).current_video, 'speaking_0');
  assert.deepEqual(errors, ['RATE_LIMIT_EXCEEDED']);
});

test('pictures come with their time, in both forms the same', async () => {
  const pictures = [];
  const events = { onPicture: (picture) => pictures.push({ ...picture, data: [...picture.data] }) };
  const { socket } = await connect({ isBinary: true }, events);
  assert.deepEqual(socket.protocols, ['musetalk.binary.v1']);
  const idr = [0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65, 3];
  socket.say('ACTION_FRAME', {
    frame_data: Buffer.from(idr).toString('base64'),
    frame_timestamp: 40,
    audio_timestamp: -20,
    action_index: 2,
    action_progress: 0.5,
  });
  const header = Buffer.alloc(16);
  header.set([3, 3, 2, 0]);
  header.writeUInt32LE(40, 4);
  header.writeInt32LE(-20, 8);
  header.writeFloatLE(0.5, 12);
  socket.receive(Uint8Array.from([...header, ...idr]).buffer);
  assert.deepEqual(pictures[1], pictures[0]);
  assert.deepEqual(pictures[0], {
    data: idr,
    timestampMs: 40,
    audioMs: -20,
    isKeyFrame: true,
    action: { index: 2, progress: 0.5 },
  });
});

test('what is no picture is ignored, and a picture that is no IDR is known as one', () => {
  assert.equal(readPicture(new Uint8Array(15)), null);
  assert.equal(readPicture(new Uint8Array(40)), null);
  assert.equal(isKeyFrame(Uint8Array.of(0, 0, 0, 1, 0x41, 9)), false);
  assert.equal(isKeyFrame(Uint8Array.of(0, 0, 1)), false);
});

test('sound in its binary form names its clip, or none', () => {
  assert.deepEqual([...soundMessage(Uint8Array.of(7, 8), null)], [1, 255, 0, 7, 8]);
  const named = soundMessage(Uint8Array.of(7, 8), { state: 'speaking', baseVideo: 'ab' });
  assert.deepEqual([...named], [1, 1, 2, 97, 98, 7, 8]);
});

test('a session that ends lets no question wait, and says so once', async () => {
  const closings = [];
  const { client, socket } = await connect({}, { onClosed: (code) => closings.push(code) });
  const asked = client.act(1);
  socket.close(1001, 'session ended');
  await assert.rejects(asked, /1001 session ended/);
  await assert.rejects(client.act(1), /closed/);
  await client.close();
  assert.deepEqual(closings, [1001]);
});

test('closing is acknowledged before the socket closes', async () => {
  const { client, socket } = await connect();
  const closed = client.close();
  assert.equal(socket.sent.at(-1).type, 'CLOSE');
  socket.say('CLOSE_ACK', { reason: 'client_request' });
  await closed;
  assert.equal(socket.readyState, 3);
});
