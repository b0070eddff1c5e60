/** What the Streamer's clients send and get, as JSON Schema. */

export interface PrepareQuery {
  readonly avatar_id: string;
  readonly video_path: string;
}

export interface StartQuery {
  readonly session_id: string;
  readonly avatar_id?: string;
  readonly audio_path?: string;
}

export interface OfferBody {
  readonly session_id: string;
  readonly sdp: string;
  readonly type: 'offer';
  readonly fps?: number;
}

const AVATAR_ID = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' };
const SESSION_ID = { type: 'string', pattern: '^[A-Za-z0-9_.:-]{1,128}$' };
const PATH = { type: 'string', maxLength: 1024 };
const SUCCESS = { type: 'string', enum: ['success'] };
const FPS = { type: 'integer', minimum: 1, maximum: 60 };

function record(properties: Readonly<Record<string, object>>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', additionalProperties: false, required, properties };
}

const nullable = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });

export const STATUS = {
  summary: 'Whether sessions can begin, with which avatars, and whether this is demo mode',
  tags: ['streamer'],
  querystring: record({}),
  response: {
    200: record({
      initialized: { type: 'boolean' },
      current_avatar: nullable({ type: 'string' }),
      loaded_avatars: { type: 'array', items: { type: 'string' } },
      demo_mode: { type: 'boolean', description: 'True while another engine than MuseTalk draws the mouths.' },
      engine: nullable({ type: 'string' }),
      message: { type: 'string' },
      jobs: {
        type: 'array',
        items: record({
          avatar_id: { type: 'string' },
          state: { type: 'string', enum: ['waiting', 'preparing', 'ready', 'failed'] },
          progress: { type: 'number', minimum: 0, maximum: 1 },
          problem: nullable({ type: 'string' }),
        }),
      },
    }),
  },
};

export const INITIALIZE = {
  summary: 'Waits until the engine runs',
  tags: ['streamer'],
  querystring: record({}),
  response: { 200: record({ status: SUCCESS }) },
};

const PREPARED = record({
  status: { type: 'string', enum: ['success', 'processing'] },
  avatar_id: { type: 'string' },
  progress: { type: 'number', minimum: 0, maximum: 1 },
});

export const PREPARE = {
  summary: 'Prepares an avatar from a video in a media folder; 202 if that takes longer than a minute: ask again',
  tags: ['streamer'],
  querystring: record({ avatar_id: AVATAR_ID, video_path: PATH }),
  response: { 200: PREPARED, 202: PREPARED },
};

export const START = {
  summary: 'Starts a session, which waits for an offer and then plays a recording from a media folder',
  tags: ['streamer'],
  querystring: record({ session_id: SESSION_ID, avatar_id: { anyOf: [AVATAR_ID, { const: '' }] }, audio_path: PATH }, [
    'avatar_id',
    'audio_path',
  ]),
  response: {
    200: record({
      status: SUCCESS,
      session_id: { type: 'string' },
      fps: FPS,
      audio_urls: { type: 'array', items: { type: 'string' } },
      avatar_id: { type: 'string' },
    }),
  },
};

export const OFFER = {
  summary: 'Answers a WebRTC offer for a started session; the answer holds all candidates',
  tags: ['streamer'],
  body: record({ session_id: SESSION_ID, sdp: { type: 'string' }, type: { const: 'offer' }, fps: FPS }, ['fps']),
  response: {
    200: record({
      sdp: { type: 'string' },
      type: { const: 'answer' },
      fps: FPS,
      rtp_origin: {
        ...nullable({ type: 'integer', minimum: 0, maximum: 2 ** 32 - 1 }),
        description: 'RTP time stamp (90 kHz, wraps at 2^32) of the picture that shows the beginning of the recording.',
      },
    }),
  },
};

export const AUDIO = {
  summary: 'The recording of a session, under an address that only its client knows; ranges are served',
  tags: ['streamer'],
  params: record({ file: { type: 'string', maxLength: 64 } }),
};
