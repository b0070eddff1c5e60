import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../errors.ts';
import { fuzzBytes, readCorpus } from '../../testing/mutations.ts';
import { readBinaryMessage } from './binary-frames.ts';
import {
  ACTION_TIMES,
  type FrameServiceMessage,
  MESSAGE_TYPES,
  readFrameServiceMessage,
  VIDEO_STATES,
} from './client-message.ts';

const CORPUS = join(import.meta.dirname, 'corpus');
const WORDS = [
  ...MESSAGE_TYPES.map((type) => `"${type}"`),
  ...['"type"', '"data"', '"session_id"', '"audio_chunk"', '"video_state"', '"base_video"', '"action_index"'],
  ...['"target_state"', '"idle_0"', '"speaking_0"', '"idle"', '"__proto__"', '"toString"', '"pcm_s16le"', '512x512'],
  ...[
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    '\\u0000',
    '\\ud800',
    '1e309',
    '-0',
    '0.1',
    'null',
    'true',
    '==',
    'AAAA',
    '\0',
  ],
];

function read(value: unknown): FrameServiceMessage {
  return readFrameServiceMessage(JSON.stringify(value));
}

function refusal(value: unknown): string {
  try {
    read(value);
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === 'bad_message');
    return error.message;
  }
  throw new assert.AssertionError({ message: `${JSON.stringify(value)} was not refused` });
}

const id = fc.option(fc.string({ maxLength: 128 }), { nil: undefined });
const base64 = fc
  .integer({ min: 1, max: 1000 })
  .chain((samples) => fc.uint8Array({ minLength: 2 * samples, maxLength: 2 * samples }));
const video = fc.constantFrom('idle_0', 'idle_12', 'speaking_0', 'action_1', 'speaking_9999');
const state = fc.constantFrom(...VIDEO_STATES);

test('every message that the contract allows is read as what it says, whatever is added to it', () => {
  const extra = fc.dictionary(fc.constantFrom('note', 'client', 'x'), fc.jsonValue(), { maxKeys: 2 });
  fc.assert(
    fc.property(
      id,
      extra,
      base64,
      state,
      video,
      fc.integer({ min: 1, max: 9999 }),
      (sessionId, more, pcm, is, clip, n) => {
        const as = (type: string, data: object) =>
          read({ ...more, type, session_id: sessionId, data: { ...more, ...data } });
        const sound = Buffer.from(pcm).toString('base64');
        const audio_chunk = {
          ...more,
          format: 'pcm_s16le',
          sample_rate: 16000,
          channels: 1,
          duration_ms: 40,
          data: sound,
        };
        const generate = as('GENERATE', { audio_chunk, video_state: { type: is, base_video: clip } });
        assert.ok(generate.type === 'GENERATE');
        assert.deepEqual(new Uint8Array(generate.pcm.buffer), pcm);
        assert.deepEqual(generate.video, { state: is, baseVideo: clip });
        const change = as('STATE_CHANGE', { target_state: is, base_video: clip });
        assert.ok(change.type === 'STATE_CHANGE');
        assert.deepEqual(change.video, { state: is, baseVideo: clip });
        const action = as('ACTION', { action_index: n });
        assert.ok(action.type === 'ACTION' && action.index === n && action.when === 'next');
        for (const when of ACTION_TIMES) {
          const timed = as('ACTION', { action_index: n, when });
          assert.ok(timed.type === 'ACTION' && timed.when === when);
        }
        const init = as('INIT', { user_id: 'u', auth_token: 't', video_config: { resolution: '512x512', fps: 25 } });
        assert.ok(init.type === 'INIT' && init.userId === 'u' && init.authToken === 't');
        for (const message of [generate, change, action, init, as('CLOSE', {})]) {
          assert.equal(message.sessionId, sessionId ?? null);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('what is left out has the one value that there is', () => {
  const sound = { data: Buffer.alloc(4).toString('base64') };
  assert.deepEqual(read({ type: 'GENERATE', data: { audio_chunk: sound } }), {
    type: 'GENERATE',
    sessionId: null,
    pcm: new Int16Array(2),
    video: null,
  });
  assert.deepEqual(read({ type: 'INIT' }), { type: 'INIT', sessionId: null, userId: null, authToken: undefined });
});

test('every field that says something else than the contract is refused in words that name it', () => {
  const chunk = { data: Buffer.alloc(1280).toString('base64') };
  const wrong: readonly [object, RegExp][] = [
    [{ type: 'DANCE' }, /^type must be one of INIT, GENERATE/],
    [{ type: 7 }, /^type must be/],
    [{ type: 'CLOSE', session_id: 7 }, /^session_id must be a text/],
    [{ type: 'CLOSE', session_id: 'x'.repeat(129) }, /^session_id must be a text/],
    [{ type: 'CLOSE', data: [] }, /^data must be an object/],
    [{ type: 'INIT', data: { user_id: {} } }, /^data.user_id must/],
    [{ type: 'INIT', data: { auth_token: 1 } }, /^data.auth_token must/],
    [{ type: 'INIT', data: { video_config: { fps: '25' } } }, /^data.video_config.fps must be 25, got "25"/],
    [
      { type: 'INIT', data: { video_config: { resolution: '256x256' } } },
      /^data.video_config.resolution must be "512x512"/,
    ],
    [{ type: 'GENERATE', data: {} }, /^data.audio_chunk must be an object, got nothing/],
    [{ type: 'GENERATE', data: { audio_chunk: { ...chunk, format: 'opus' } } }, /format must be "pcm_s16le"/],
    [{ type: 'GENERATE', data: { audio_chunk: { ...chunk, sample_rate: 48000 } } }, /sample_rate must be 16000/],
    [{ type: 'GENERATE', data: { audio_chunk: { ...chunk, channels: 2 } } }, /channels must be 1/],
    [{ type: 'GENERATE', data: { audio_chunk: { ...chunk, duration_ms: 0 } } }, /duration_ms must be a number/],
    [{ type: 'GENERATE', data: { audio_chunk: { ...chunk, duration_ms: '40' } } }, /duration_ms must be a number/],
    [{ type: 'GENERATE', data: { audio_chunk: { data: 'AAA' } } }, /data must be base64/],
    [{ type: 'GENERATE', data: { audio_chunk: { data: '__--' } } }, /data must be base64/],
    [{ type: 'GENERATE', data: { audio_chunk: { data: 'AA AA=' } } }, /data must be base64/],
    [{ type: 'GENERATE', data: { audio_chunk: { data: '' } } }, /even number of bytes from 2 to 32000 \(1 s\), got 0/],
    [{ type: 'GENERATE', data: { audio_chunk: { data: 'AAAA' } } }, /even number of bytes .* got 3/],
    [
      { type: 'GENERATE', data: { audio_chunk: { data: Buffer.alloc(32_002).toString('base64') } } },
      /even number of bytes .* got 32002/,
    ],
    [{ type: 'GENERATE', data: { audio_chunk: chunk, video_state: 'idle' } }, /^data.video_state must be an object/],
    [
      { type: 'GENERATE', data: { audio_chunk: chunk, video_state: { type: 'sad' } } },
      /^data.video_state.type must be one of/,
    ],
    [
      { type: 'GENERATE', data: { audio_chunk: chunk, video_state: { type: 'idle', base_video: '../x' } } },
      /^data.video_state.base_video must be idle_N/,
    ],
    [{ type: 'STATE_CHANGE', data: {} }, /^data.target_state must be one of idle, speaking, action, got nothing/],
    [{ type: 'STATE_CHANGE', data: { target_state: 'idle', base_video: 0 } }, /^data.base_video must be idle_N/],
    [
      { type: 'ACTION', data: { action_index: 1, when: 'soon' } },
      /^data.when must be one of next, after_speech, now, got/,
    ],
    ...[0, -1, 1.5, 10_000, '1', null, undefined, true].map(
      (action_index) =>
        [{ type: 'ACTION', data: { action_index } }, /^data.action_index must be a whole number from 1/] as [
          object,
          RegExp,
        ],
    ),
  ];
  for (const [message, expected] of wrong) assert.match(refusal(message), expected);
});

test('any JSON is read or refused, never anything else', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...MESSAGE_TYPES, 'X'), fc.jsonValue(), (any, type, data) => {
      for (const value of [any, { type, data }, { type, session_id: any, data: { audio_chunk: data } }]) {
        try {
          assertSound(read(value));
        } catch (error) {
          assert.ok(error instanceof AppError && error.code === 'bad_message', String(error));
          assert.ok(error.message.length < 500);
        }
      }
    }),
  );
});

test('texts of all kinds are read or refused, and each quickly (fuzz)', () => {
  fuzzBytes(readCorpus(CORPUS, '.txt'), WORDS, (input) => {
    const startMs = performance.now();
    tryOut(() => readFrameServiceMessage(input.toString('utf8')));
    assert.ok(performance.now() - startMs < 500, 'took too long');
  });
});

test('bytes of all kinds are read or refused (fuzz)', () => {
  fuzzBytes(readCorpus(CORPUS, '.bin'), ['\x01', '\x01\x01\x0a', 'speaking_0', 'action_1', '\0\0'], (input) => {
    tryOut(() => ({ type: 'GENERATE', sessionId: null, ...readBinaryMessage(input) }));
  });
});

function tryOut(parse: () => FrameServiceMessage): void {
  try {
    assertSound(parse());
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'bad_message')) throw error;
  }
}

function assertSound(message: FrameServiceMessage): void {
  assert.ok(MESSAGE_TYPES.includes(message.type));
  assert.ok(message.sessionId === null || typeof message.sessionId === 'string');
  if (message.type === 'GENERATE') assert.ok(message.pcm.length >= 1 && message.pcm.length <= 16_000);
  if (message.type === 'ACTION') assert.ok(message.index >= 1);
}
