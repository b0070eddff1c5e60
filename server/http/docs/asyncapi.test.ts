import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { openFrameRig } from '../../testing/frame-rig.ts';
import { openHttpRig } from '../../testing/http-rig.ts';
import type { Schema } from '../api/schemas.ts';
import { MESSAGE_TYPES, readFrameServiceMessage } from '../frame-service/client-message.ts';
import { readClientMessage } from '../signalling-message.ts';
import { asyncApi } from './asyncapi.ts';
import { FRAME_SERVICE_ANSWERS, FRAME_SERVICE_REQUESTS } from './frame-service-schemas.ts';
import { SIGNALLING_ANSWERS, SIGNALLING_REQUESTS } from './signalling-schemas.ts';

const ajv = new Ajv2020({ strict: false, allErrors: false });
/** Values that are right somewhere and wrong elsewhere. The base64 ones have even numbers of bytes: that no schema can say. */
const VALUES = [
  ...[undefined, null, true, 0, 1, 25, -1, 0.5, 40, 9999, 10_000, 16_000, 1001],
  ...['', 'anna', 'v=0', 'idle_0', 'speaking_12', 'action_12345', 'idle', 'action', '512x512', 'pcm_s16le'],
  ...['AAAA', 'AAA=', 'AA==', 'AAAAAAAA', 'A', 'not base64!', 'x'.repeat(129), 'x'.repeat(300), 'x'.repeat(5000)],
  ...[[], {}],
].filter((value) => value !== 'AA==' && value !== 'AAAA');
const value = fc.constantFrom(...VALUES, 'AAAAAAAA', 'AAA=');
const objectOf = (...names: string[]) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] }) },
    { weight: 1, arbitrary: value },
  );

/** Holds the schema's verdict on `message` against the reader's. */
function agree(schemas: Readonly<Record<string, Schema>>, read: (text: string) => unknown, message: object): boolean {
  const text = JSON.stringify(message);
  const sent: { type: string } = JSON.parse(text);
  const bySchema = ajv.validate(schemas[sent.type] ?? false, sent);
  let byReader = true;
  try {
    read(text);
  } catch {
    byReader = false;
  }
  assert.equal(byReader, bySchema, `${text}: ${ajv.errorsText()}`);
  return byReader;
}

test('the binary subprotocol is told', () => {
  const { channels } = asyncApi('1') as { channels: Record<string, { description: string }> };
  assert.match(channels.frameService.description, /subprotocol musetalk\.binary\.v1.*pcm_s16le.*access unit/s);
});

test('the document and the reader of /ws take and refuse the same messages', () => {
  const candidate = objectOf('candidate', 'sdpMid', 'sdpMLineIndex', 'usernameFragment');
  const message = fc.record(
    {
      type: fc.constantFrom(...Object.keys(SIGNALLING_REQUESTS), 'unknown'),
      avatar_id: value,
      clip: value,
      sdp: value,
      candidate: fc.oneof(candidate, value),
    },
    { requiredKeys: ['type'] },
  );
  let taken = 0;
  const holds = fc.property(message, (each) => {
    if (agree(SIGNALLING_REQUESTS, readClientMessage, each)) taken += 1;
  });
  fc.assert(holds, { numRuns: 5000 });
  // Otherwise nothing was compared.
  assert.ok(taken > 300 && taken < 4700, `${taken} of 5000 were taken`);
});

test('the document and the reader of the frame service take and refuse the same messages', () => {
  assert.deepEqual(Object.keys(FRAME_SERVICE_REQUESTS), [...MESSAGE_TYPES]);
  const chunk = fc.record(
    {
      format: fc.constantFrom('pcm_s16le', null, 'wav'),
      sample_rate: fc.constantFrom(16_000, null, 48_000),
      channels: fc.constantFrom(1, null, 2),
      duration_ms: fc.constantFrom(40, 1000, 0, null, '40'),
      data: fc.constantFrom('AAAAAAAA', 'AAA=', '', 'AAAAA', 'not base64!', null, 7),
    },
    { requiredKeys: [] },
  );
  const state = fc.constantFrom('idle', 'speaking', 'action', 'dancing', null);
  const video = fc.constantFrom('idle_0', 'action_12', 'idle', null, 7);
  const data = fc.record(
    {
      user_id: value,
      auth_token: value,
      video_config: fc.oneof(fc.record({ resolution: value, fps: value }, { requiredKeys: [] }), value),
      audio_chunk: fc.oneof(chunk, value),
      video_state: fc.oneof(fc.record({ type: state, base_video: video }, { requiredKeys: [] }), fc.constant(null)),
      target_state: state,
      base_video: video,
      action_index: value,
      when: fc.constantFrom('next', 'now', 'after_speech', null, 'later'),
    },
    { requiredKeys: [] },
  );
  const message = fc.record(
    {
      type: fc.constantFrom(...MESSAGE_TYPES, 'UNKNOWN'),
      session_id: value,
      data: fc.oneof({ weight: 9, arbitrary: data }, value),
    },
    { requiredKeys: ['type'] },
  );
  let taken = 0;
  const holds = fc.property(message, (each) => {
    if (agree(FRAME_SERVICE_REQUESTS, readFrameServiceMessage, each)) taken += 1;
  });
  fc.assert(holds, { numRuns: 5000 });
  // Otherwise nothing was compared.
  assert.ok(taken > 300 && taken < 4700, `${taken} of 5000 were taken`);
});

test('what the server says on /ws is what the document says', async () => {
  const rig = await openHttpRig();
  try {
    const client = await rig.client();
    const requests = [
      { type: 'get_avatars' },
      { type: 'get_config' },
      { type: 'ping' },
      { type: 'select_avatar', avatar_id: 'bert' },
      { type: 'select_avatar', avatar_id: 'nobody' },
      { type: 'offer', sdp: 'v=0' },
    ];
    const told = [];
    for (const request of requests) told.push(await client.ask(request));
    told.push(await client.next());
    assert.deepEqual(
      told.map(({ type }) => type),
      ['avatars', 'config', 'pong', 'avatar_selected', 'error', 'answer', 'ice_candidate'],
    );
    for (const message of told) {
      assert.ok(
        ajv.validate(SIGNALLING_ANSWERS[String(message.type)] ?? false, message),
        `${message.type}: ${ajv.errorsText()}`,
      );
    }
  } finally {
    await rig.close();
  }
});

test('what the frame service says is what the document says', async () => {
  const rig = await openFrameRig();
  try {
    const client = await rig.client();
    const told: { type: string }[] = [await client.init()];
    client.say('ACTION', { action_index: 1 });
    client.say('STATE_CHANGE', { target_state: 'speaking', base_video: 'speaking_0' });
    client.say('ACTION', { action_index: 0 });
    client.say('CLOSE', {});
    while (told.at(-1)?.type !== 'CLOSE_ACK') told.push(await client.next());
    const types = new Set(told.map(({ type }) => type));
    for (const type of ['INIT_SUCCESS', 'STATE_CHANGED', 'ACTION_TRIGGERED', 'ERROR', 'CLOSE_ACK'])
      assert.ok(types.has(type), type);
    for (const message of told) {
      assert.ok(
        ajv.validate(FRAME_SERVICE_ANSWERS[message.type] ?? false, message),
        `${message.type}: ${ajv.errorsText()}`,
      );
    }
  } finally {
    await rig.close();
  }
});

test('every reference of the document leads somewhere, and every schema compiles', () => {
  const document = asyncApi('1.2.3');
  const text = JSON.stringify(document);
  for (const [, path = ''] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    const found = path.split('/').reduce<unknown>((at, name) => (at as Record<string, unknown>)?.[name], document);
    assert.ok(found, path);
  }
  for (const schemas of [SIGNALLING_REQUESTS, SIGNALLING_ANSWERS, FRAME_SERVICE_REQUESTS, FRAME_SERVICE_ANSWERS]) {
    for (const schema of Object.values(schemas)) ajv.compile(schema);
  }
});
