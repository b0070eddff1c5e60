import { AppError } from '../../errors.ts';

/** What may stand under `video_state` and `target_state`. */
export const VIDEO_STATES = ['idle', 'speaking', 'action'] as const;
export type VideoState = (typeof VIDEO_STATES)[number];

/** When an action is played: in the next pause, when the speech is over, or at once, which silences it. */
export const ACTION_TIMES = ['next', 'after_speech', 'now'] as const;
export type ActionWhen = (typeof ACTION_TIMES)[number];

/** Which clip a client wants to be seen. */
export interface WantedVideo {
  readonly state: VideoState;
  /** `idle_0`, `speaking_0`, `action_1`; null if it does not say. */
  readonly baseVideo: string | null;
}

/** Everything that a client of the frame service may say. `sessionId` is as it was sent, null if it was not. */
export type FrameServiceMessage = { readonly sessionId: string | null } & (
  | { readonly type: 'INIT'; readonly userId: string | null; readonly authToken: string | undefined }
  | { readonly type: 'GENERATE'; readonly pcm: Int16Array; readonly video: WantedVideo | null }
  | { readonly type: 'STATE_CHANGE'; readonly video: WantedVideo }
  | { readonly type: 'ACTION'; readonly index: number; readonly when: ActionWhen }
  | { readonly type: 'CLOSE' | 'PONG' }
);

export const MESSAGE_TYPES = ['INIT', 'GENERATE', 'STATE_CHANGE', 'ACTION', 'CLOSE', 'PONG'] as const;
/** 16 kHz, signed 16 bit, one channel. */
export const BYTES_PER_SECOND = 32_000;
export const MAX_ACTION_INDEX = 9999;
const VIDEO_NAME = /^(idle|speaking|action)_\d{1,4}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const MAX_ID_LENGTH = 128;
const MAX_TOKEN_LENGTH = 4096;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads one text message `{"type","session_id","data"}`. What a client leaves out gets the one value that there is (512x512 at
 * 25 fps; 16 kHz, mono, s16le); what it says must be right. Unknown fields are ignored, because clients in the wild send some.
 *
 * @throws {AppError} `bad_message`.
 */
export function readFrameServiceMessage(text: string): FrameServiceMessage {
  const message = readObject(text);
  const type = MESSAGE_TYPES.find((each) => each === message.type);
  if (type === undefined) throw bad(`type must be one of ${MESSAGE_TYPES.join(', ')}, got ${shown(message.type)}`);
  const sessionId = optionalText(message, 'session_id', MAX_ID_LENGTH);
  const data = optionalObject(message, 'data');
  switch (type) {
    case 'INIT':
      return { type, sessionId, ...readInit(data) };
    case 'GENERATE':
      return { type, sessionId, ...readGenerate(data) };
    case 'STATE_CHANGE':
      return { type, sessionId, video: readVideo(data, 'target_state', 'data.') };
    case 'ACTION':
      return { type, sessionId, index: readActionIndex(data.action_index), when: readWhen(data.when ?? 'next') };
    default:
      return { type, sessionId };
  }
}

/** Sound as bytes, s16le. @throws {AppError} `bad_message` unless it has an even length from 2 bytes to a second. */
export function readPcm(bytes: Uint8Array): Int16Array {
  const { length } = bytes;
  if (length < 2 || length % 2 !== 0 || length > BYTES_PER_SECOND) {
    throw bad(`the sound must have an even number of bytes from 2 to ${BYTES_PER_SECOND} (1 s), got ${length}`);
  }
  // A copy: the bytes may begin at an odd address, and belong to the message.
  const pcm = new Int16Array(length / 2);
  new Uint8Array(pcm.buffer).set(bytes);
  return pcm;
}

/** @throws {AppError} `bad_message` if it is no name of a clip. */
export function readVideoName(name: unknown, path: string): string {
  if (typeof name === 'string' && VIDEO_NAME.test(name)) return name;
  throw bad(`${path} must be idle_N, speaking_N or action_N, got ${shown(name)}`);
}

function readInit(data: Fields) {
  const config = optionalObject(data, 'video_config', 'data.');
  requireOnly(config, 'resolution', '512x512', 'data.video_config.');
  requireOnly(config, 'fps', 25, 'data.video_config.');
  const authToken = optionalText(data, 'auth_token', MAX_TOKEN_LENGTH, 'data.') ?? undefined;
  return { userId: optionalText(data, 'user_id', MAX_ID_LENGTH, 'data.'), authToken };
}

function readGenerate(data: Fields) {
  const chunk = data.audio_chunk;
  const path = 'data.audio_chunk';
  if (!isObject(chunk)) throw bad(`${path} must be an object, got ${shown(chunk)}`);
  requireOnly(chunk, 'format', 'pcm_s16le', `${path}.`);
  requireOnly(chunk, 'sample_rate', 16_000, `${path}.`);
  requireOnly(chunk, 'channels', 1, `${path}.`);
  const { data: base64, duration_ms: durationMs = 40 } = chunk;
  // It says how long the sender meant the chunk to be; the bytes decide.
  if (typeof durationMs !== 'number' || !(durationMs > 0 && durationMs <= 1000)) {
    throw bad(`${path}.duration_ms must be a number above 0 and up to 1000, got ${shown(durationMs)}`);
  }
  if (typeof base64 !== 'string' || !BASE64.test(base64)) {
    throw bad(`${path}.data must be base64 (RFC 4648 §4, padded), got ${shown(base64)}`);
  }
  const video = data.video_state ?? null;
  if (video !== null && !isObject(video)) throw bad(`data.video_state must be an object, got ${shown(video)}`);
  return { pcm: readPcm(Buffer.from(base64, 'base64')), video: video && readVideo(video, 'type', 'data.video_state.') };
}

function readVideo(fields: Fields, stateField: string, path: string): WantedVideo {
  const state = VIDEO_STATES.find((each) => each === fields[stateField]);
  if (!state) {
    throw bad(`${path}${stateField} must be one of ${VIDEO_STATES.join(', ')}, got ${shown(fields[stateField])}`);
  }
  const name = fields.base_video ?? null;
  return { state, baseVideo: name === null ? null : readVideoName(name, `${path}base_video`) };
}

function readActionIndex(index: unknown): number {
  if (Number.isInteger(index) && Number(index) >= 1 && Number(index) <= MAX_ACTION_INDEX) return Number(index);
  throw bad(`data.action_index must be a whole number from 1 to ${MAX_ACTION_INDEX}, got ${shown(index)}`);
}

function readWhen(found: unknown): ActionWhen {
  const when = ACTION_TIMES.find((each) => each === found);
  if (when) return when;
  throw bad(`data.when must be one of ${ACTION_TIMES.join(', ')}, got ${shown(found)}`);
}

function readObject(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AppError('bad_message', 'A message must be one JSON object, got text that is not JSON', { cause });
  }
  if (!isObject(value)) throw bad(`A message must be one JSON object, got ${shown(value)}`);
  return value;
}

function optionalText(fields: Fields, name: string, maxLength: number, path = ''): string | null {
  const value = fields[name] ?? null;
  if (value === null || (typeof value === 'string' && value.length <= maxLength)) return value;
  throw bad(`${path}${name} must be a text of at most ${maxLength} characters, got ${shown(value)}`);
}

function optionalObject(fields: Fields, name: string, path = ''): Fields {
  const value = fields[name] ?? {};
  if (isObject(value)) return value;
  throw bad(`${path}${name} must be an object, got ${shown(value)}`);
}

function requireOnly(fields: Fields, name: string, only: string | number, path: string): void {
  const value = fields[name] ?? only;
  if (value !== only) throw bad(`${path}${name} must be ${shown(only)}, got ${shown(value)}`);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What was found, short enough to send back. */
function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function bad(message: string): AppError {
  return new AppError('bad_message', message);
}
