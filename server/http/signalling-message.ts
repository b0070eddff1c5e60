import { AppError } from '../errors.ts';
import type { IceCandidate } from './viewer.ts';

/** Everything that a client may say on `/ws`. */
export type ClientMessage =
  | { readonly type: 'get_avatars' | 'get_config' | 'interrupt' | 'ping' | 'subscribe_figures' | 'subscribe_mouth' }
  | { readonly type: 'select_avatar'; readonly avatarId: string }
  | { readonly type: 'play_clip'; readonly clip: string }
  | { readonly type: 'offer' | 'answer'; readonly sdp: string }
  | { readonly type: 'ice_candidate'; readonly candidate: IceCandidate | null };

const TYPES: readonly ClientMessage['type'][] = [
  'get_avatars',
  'select_avatar',
  'offer',
  'answer',
  'ice_candidate',
  'play_clip',
  'interrupt',
  'get_config',
  'subscribe_figures',
  'subscribe_mouth',
  'ping',
];
const MAX_NAME_LENGTH = 256;
const MAX_CANDIDATE_LENGTH = 2048;

/**
 * Reads one text message. Fields beyond those of the protocol are ignored, because clients in the wild send some.
 *
 * @throws {AppError} `bad_message`.
 */
export function readClientMessage(text: string): ClientMessage {
  const fields = readObject(text);
  const type = TYPES.find((each) => each === fields.type);
  switch (type) {
    case undefined:
      throw bad(`type must be one of ${TYPES.join(', ')}, got ${shown(fields.type)}`);
    case 'select_avatar':
      return { type, avatarId: readText(fields, 'avatar_id', MAX_NAME_LENGTH) };
    case 'play_clip':
      return { type, clip: readText(fields, 'clip', MAX_NAME_LENGTH) };
    case 'offer':
    case 'answer':
      return { type, sdp: readText(fields, 'sdp', Number.POSITIVE_INFINITY) };
    case 'ice_candidate':
      return { type, candidate: readCandidate(fields.candidate) };
    default:
      return { type };
  }
}

function readObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AppError('bad_message', 'A message must be one JSON object, got text that is not JSON', { cause });
  }
  if (!isObject(value)) throw bad(`A message must be one JSON object, got ${shown(value)}`);
  return value;
}

function readText(fields: Readonly<Record<string, unknown>>, name: string, maxLength: number): string {
  const value = fields[name];
  if (typeof value === 'string' && value !== '' && value.length <= maxLength) return value;
  const limit = Number.isFinite(maxLength) ? ` of at most ${maxLength} characters` : '';
  throw bad(`${name} must be a text${limit}, got ${shown(value)}`);
}

/** Browsers mark the end of candidates with null or with an empty text (RFC 8838 §13). */
function readCandidate(value: unknown): IceCandidate | null {
  if (value === null) return null;
  if (!isObject(value)) throw bad(`candidate must be an object or null, got ${shown(value)}`);
  const { candidate, sdpMid = null, sdpMLineIndex = null, usernameFragment = null } = value;
  if (candidate === '') return null;
  if (typeof candidate !== 'string' || candidate.length > MAX_CANDIDATE_LENGTH) {
    throw bad(
      `candidate.candidate must be a text of at most ${MAX_CANDIDATE_LENGTH} characters, got ${shown(candidate)}`,
    );
  }
  if (sdpMid !== null && typeof sdpMid !== 'string') {
    throw bad(`candidate.sdpMid must be a text or null, got ${shown(sdpMid)}`);
  }
  if (sdpMLineIndex !== null && !isIndex(sdpMLineIndex)) {
    throw bad(`candidate.sdpMLineIndex must be a whole number from 0 or null, got ${shown(sdpMLineIndex)}`);
  }
  if (usernameFragment !== null && typeof usernameFragment !== 'string') {
    throw bad(`candidate.usernameFragment must be a text or null, got ${shown(usernameFragment)}`);
  }
  return { candidate, sdpMid, sdpMLineIndex, usernameFragment };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isIndex(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

/** What was found, short enough to send back. */
function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function bad(message: string): AppError {
  return new AppError('bad_message', message);
}
