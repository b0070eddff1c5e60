/** What the frame service's REST calls take and give, as JSON Schema. */

export interface UserParams {
  readonly user_id: string;
}

const USER_ID = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' };
const STATUS = { type: 'string', enum: ['processing', 'ready', 'failed'] };

function record(properties: Readonly<Record<string, object>>) {
  return { type: 'object', additionalProperties: false, required: Object.keys(properties), properties };
}

const NOTHING = record({});
const STARTED = record({ status: STATUS, user_id: USER_ID, message: { type: 'string' } });
const STARTED_ANSWERS = { 200: STARTED, 202: STARTED };

export const SESSIONS = {
  summary: 'How many sessions of the frame service there are, and what was counted',
  tags: ['frame service'],
  querystring: NOTHING,
  response: {
    200: record({
      active_sessions: { type: 'integer', minimum: 0 },
      stats: record({
        sessions_of_all_doors: { type: 'integer' },
        capacity: { type: 'integer' },
        bytes_sent: { type: 'integer' },
        frames_dropped_slow_client: { type: 'integer' },
      }),
    }),
  },
};

export const PREPARE = {
  summary: 'Makes an avatar for a user from a video in the media folders',
  tags: ['frame service'],
  params: record({ user_id: USER_ID }),
  querystring: record({ video_path: { type: 'string', minLength: 1, maxLength: 1024 } }),
  response: STARTED_ANSWERS,
};

export const UPLOAD = {
  summary:
    'Makes an avatar for a user from the video that is sent along (multipart: file, user_id?, consent?: who says that the person shown agrees)',
  tags: ['frame service'],
  consumes: ['multipart/form-data'],
  querystring: NOTHING,
  response: STARTED_ANSWERS,
};

export const PROCESSING_STATUS = {
  summary: 'How far the avatar of a user is',
  tags: ['frame service'],
  params: record({ user_id: USER_ID }),
  querystring: NOTHING,
  response: {
    200: record({
      status: STATUS,
      user_id: USER_ID,
      progress: { type: 'number', minimum: 0, maximum: 1 },
      message: { type: 'string' },
    }),
  },
};
