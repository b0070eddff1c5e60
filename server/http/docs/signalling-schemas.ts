import { described, listOf, nullable, type Schema } from '../api/schemas.ts';

/** What goes over `/ws`, as JSON Schema; a test holds it against the reader and the real messages. */

/** A message of that type with these members; clients may send more, which is ignored. */
function message(
  type: string,
  properties: Readonly<Record<string, Schema>> = {},
  optional: readonly string[] = [],
): Schema {
  const required = ['type', ...Object.keys(properties).filter((name) => !optional.includes(name))];
  return { type: 'object', required, properties: { type: { const: type }, ...properties } };
}

const NAME: Schema = { type: 'string', minLength: 1, maxLength: 256 };
const SDP = described('An SDP (RFC 8866).', { type: 'string', minLength: 1 });
const CANDIDATE: Schema = {
  type: 'object',
  required: ['candidate'],
  properties: {
    candidate: { type: 'string', maxLength: 2048 },
    sdpMid: nullable({ type: 'string' }),
    sdpMLineIndex: nullable({ type: 'integer', minimum: 0 }),
    usernameFragment: nullable({ type: 'string' }),
  },
};
const END_OF_CANDIDATES: Schema = {
  anyOf: [{ type: 'null' }, { type: 'object', required: ['candidate'], properties: { candidate: { const: '' } } }],
};
const SHARE: Schema = { type: 'number', minimum: 0, maximum: 1 };

export const SIGNALLING_REQUESTS: Readonly<Record<string, Schema>> = {
  get_avatars: message('get_avatars'),
  select_avatar: message('select_avatar', { avatar_id: NAME }),
  offer: message('offer', { sdp: SDP }),
  answer: message('answer', { sdp: SDP }),
  ice_candidate: message('ice_candidate', {
    candidate: { anyOf: [CANDIDATE, ...(END_OF_CANDIDATES.anyOf as Schema[])] },
  }),
  play_clip: message('play_clip', { clip: NAME }),
  interrupt: message('interrupt'),
  get_config: message('get_config'),
  subscribe_figures: message('subscribe_figures'),
  subscribe_mouth: message('subscribe_mouth'),
  ping: message('ping'),
};

export const SIGNALLING_ANSWERS: Readonly<Record<string, Schema>> = {
  avatars: message('avatars', {
    avatars: listOf({
      type: 'object',
      additionalProperties: false,
      required: ['id', 'name', 'video_path', 'audio_clips', 'portrait'],
      properties: {
        id: NAME,
        name: NAME,
        video_path: { type: 'string' },
        audio_clips: listOf(NAME),
        portrait: { type: 'string' },
      },
    }),
  }),
  avatar_selected: message('avatar_selected', { avatar_id: NAME }),
  answer: message('answer', { sdp: SDP }),
  ice_candidate: message('ice_candidate', { candidate: CANDIDATE }),
  config: message('config', { ice_servers: listOf({ type: 'object', required: ['urls'] }) }),
  figures: message('figures', {
    session_id: { type: 'string' },
    delay_ms: { type: 'number' },
    mouths_per_second: nullable({ type: 'integer' }),
  }),
  mouth: message('mouth', {
    frame: { type: 'integer' },
    time_ms: { type: 'number' },
    parameters: { type: 'object', additionalProperties: SHARE },
    visemes: { type: 'object', additionalProperties: SHARE },
  }),
  pong: message('pong'),
  error: message(
    'error',
    { code: { type: 'string' }, message: { type: 'string' }, retry_after_s: { type: 'number' } },
    ['retry_after_s'],
  ),
};
