import { described, listOf, nullable, type Schema } from '../api/schemas.ts';
import { ACTION_TIMES, BYTES_PER_SECOND, MAX_ACTION_INDEX, VIDEO_STATES } from '../frame-service/client-message.ts';
import { FRAME_SERVICE_ERRORS } from '../frame-service/server-message.ts';

/** What goes over the frame service's WebSocket, as JSON Schema; a test holds it against the reader and the real messages. */

function object(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  return { type: 'object', required: Object.keys(properties).filter((name) => !optional.includes(name)), properties };
}

/** A client's message. `session_id` and, where nothing in it is needed, `data` may be left out. */
function request(type: string, data: Schema | null): Schema {
  return {
    type: 'object',
    required: data ? ['type', 'data'] : ['type'],
    properties: {
      type: { const: type },
      session_id: nullable({ type: 'string', maxLength: 128 }),
      data: data ?? nullable({ type: 'object' }),
    },
  };
}

function answer(type: string, data: Schema): Schema {
  return object({ type: { const: type }, session_id: { type: 'string' }, data });
}

/** The only value that there is; it may be left out. */
const only = (value: string | number): Schema => ({ enum: [value, null] });
const STATE: Schema = { enum: [...VIDEO_STATES] };
const VIDEO_NAME: Schema = { type: 'string', pattern: '^(idle|speaking|action)_\\d{1,4}$' };
const BASE_VIDEO = nullable(VIDEO_NAME);
const LONGEST_BASE64 = Math.ceil(BYTES_PER_SECOND / 3) * 4;

export const FRAME_SERVICE_REQUESTS: Readonly<Record<string, Schema>> = {
  INIT: {
    ...request('INIT', null),
    properties: {
      ...(request('INIT', null).properties as Record<string, Schema>),
      data: nullable(
        object(
          {
            user_id: nullable({ type: 'string', maxLength: 128 }),
            auth_token: nullable({ type: 'string', maxLength: 4096 }),
            video_config: nullable(object({ resolution: only('512x512'), fps: only(25) }, ['resolution', 'fps'])),
          },
          ['user_id', 'auth_token', 'video_config'],
        ),
      ),
    },
  },
  GENERATE: request(
    'GENERATE',
    object(
      {
        audio_chunk: object(
          {
            format: only('pcm_s16le'),
            sample_rate: only(16_000),
            channels: only(1),
            duration_ms: described('How long it is meant to be; the bytes decide.', {
              type: 'number',
              exclusiveMinimum: 0,
              maximum: 1000,
            }),
            data: described(`Base64 of an even number of bytes, 2 to ${BYTES_PER_SECOND}; 40 ms are 1280.`, {
              type: 'string',
              minLength: 4,
              maxLength: LONGEST_BASE64,
              pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$',
            }),
          },
          ['format', 'sample_rate', 'channels', 'duration_ms'],
        ),
        video_state: nullable(object({ type: STATE, base_video: BASE_VIDEO }, ['base_video'])),
      },
      ['video_state'],
    ),
  ),
  STATE_CHANGE: request('STATE_CHANGE', object({ target_state: STATE, base_video: BASE_VIDEO }, ['base_video'])),
  ACTION: request(
    'ACTION',
    object(
      {
        action_index: { type: 'integer', minimum: 1, maximum: MAX_ACTION_INDEX },
        when: described('In the next pause, when the speech is over, or at once, which silences it.', {
          enum: [...ACTION_TIMES, null],
        }),
      },
      ['when'],
    ),
  ),
  CLOSE: request('CLOSE', null),
  PONG: request('PONG', null),
};

const FRAME = {
  frame_data: described('Base64 of one H.264 access unit (Annex B).', { type: 'string', minLength: 1 }),
  frame_timestamp: described('Media time of the sound that the picture shows, ms.', { type: 'number' }),
  audio_timestamp: described('The same, counted in the sound that the client sent, ms.', { type: 'number' }),
};

export const FRAME_SERVICE_ANSWERS: Readonly<Record<string, Schema>> = {
  INIT_SUCCESS: answer(
    'INIT_SUCCESS',
    object({
      model_loaded: { type: 'boolean' },
      available_videos: listOf(VIDEO_NAME),
      default_video: VIDEO_NAME,
      streaming_started: { type: 'boolean' },
      delay_ms: { type: 'number' },
    }),
  ),
  VIDEO_FRAME: answer('VIDEO_FRAME', object(FRAME, ['audio_timestamp'])),
  ACTION_FRAME: answer(
    'ACTION_FRAME',
    object(
      { ...FRAME, action_index: { type: 'integer' }, action_progress: { type: 'number', minimum: 0, maximum: 1 } },
      ['audio_timestamp'],
    ),
  ),
  STATE_CHANGED: answer('STATE_CHANGED', object({ current_state: STATE, current_video: VIDEO_NAME })),
  ACTION_TRIGGERED: answer(
    'ACTION_TRIGGERED',
    object({ action_index: { type: 'integer' }, inserted: { type: 'boolean' } }),
  ),
  CLOSE_ACK: answer('CLOSE_ACK', object({ reason: { const: 'client_request' } })),
  PING: answer('PING', object({ timestamp: { type: 'number' } })),
  ERROR: {
    ...answer(
      'ERROR',
      object({ code: { enum: [...FRAME_SERVICE_ERRORS] }, message: { type: 'string' }, details: { type: 'object' } }, [
        'details',
      ]),
    ),
  },
};
