import { AppError } from '../../errors.ts';
import { readPcm, readVideoName, VIDEO_STATES, type WantedVideo } from './client-message.ts';
import type { FrameStamp } from './server-message.ts';

/**
 * WebSocket subprotocol in which sound and pictures go as binary messages; all other messages are the same JSON texts.
 *
 * To the server, sound: byte 0 is 1 (GENERATE); byte 1 the state (0 idle, 1 speaking, 2 action, 255 not said); byte 2 the
 * length n of the clip's name, 0 if not said; n bytes of name (ASCII); then pcm_s16le.
 *
 * To the client, pictures, numbers little-endian: byte 0 is 2 (VIDEO_FRAME) or 3 (ACTION_FRAME); byte 1 flags (1 key frame,
 * 2 the sound's place is known); bytes 2-3 action_index; 4-7 frame_timestamp in ms; 8-11 audio_timestamp in ms (signed);
 * 12-15 action_progress (float32); then the access unit. The counts of ms wrap after 49 days.
 */
export const BINARY_SUBPROTOCOL = 'musetalk.binary.v1';

const GENERATE = 1;
const VIDEO_FRAME = 2;
const ACTION_FRAME = 3;
const NOT_SAID = 255;
const KEY_FRAME = 1;
const HAS_AUDIO_TIMESTAMP = 2;
const HEADER_BYTES = 16;

/** Reads a binary message of a client. @throws {AppError} `bad_message`. */
export function readBinaryMessage(bytes: Uint8Array): { pcm: Int16Array; video: WantedVideo | null } {
  const [kind, state, nameLength = 0] = bytes;
  if (kind !== GENERATE || bytes.length < 3 + nameLength) {
    throw bad(`A binary message must be ${GENERATE}, state, length of name, name and sound; got ${bytes.length} bytes`);
  }
  if (state !== NOT_SAID && VIDEO_STATES[state] === undefined) {
    throw bad(`The state of a binary message must be 0, 1, 2 or ${NOT_SAID}, got ${state}`);
  }
  const name = Buffer.from(bytes.subarray(3, 3 + nameLength)).toString('latin1');
  const baseVideo = nameLength === 0 ? null : readVideoName(name, 'the name of a binary message');
  return {
    pcm: readPcm(bytes.subarray(3 + nameLength)),
    video: state === NOT_SAID ? null : { state: VIDEO_STATES[state], baseVideo },
  };
}

/** One picture as a binary message. */
export function frameBytes(data: Uint8Array, { timestampMs, audioMs, action, isKeyFrame }: FrameStamp): Uint8Array {
  const message = new Uint8Array(HEADER_BYTES + data.length);
  const header = new DataView(message.buffer, 0, HEADER_BYTES);
  header.setUint8(0, action ? ACTION_FRAME : VIDEO_FRAME);
  header.setUint8(1, (isKeyFrame ? KEY_FRAME : 0) | (audioMs === null ? 0 : HAS_AUDIO_TIMESTAMP));
  header.setUint16(2, action?.index ?? 0, true);
  header.setUint32(4, timestampMs % 2 ** 32, true);
  header.setInt32(8, Math.round(audioMs ?? 0), true);
  header.setFloat32(12, action?.progress ?? 0, true);
  message.set(data, HEADER_BYTES);
  return message;
}

function bad(message: string): AppError {
  return new AppError('bad_message', message);
}
