import { describeError, type ErrorCode, retryAfterS } from '../../errors.ts';
import type { VideoState } from './client-message.ts';

/** Every code that an ERROR may have. */
export const FRAME_SERVICE_ERRORS = [
  'INVALID_MESSAGE',
  'INVALID_SESSION',
  'MODEL_NOT_FOUND',
  'PROCESSING_ERROR',
  'RATE_LIMIT_EXCEEDED',
  'SERVICE_NOT_READY',
  'UNAUTHORIZED',
  'INTERNAL_ERROR',
] as const;
export type FrameServiceError = (typeof FRAME_SERVICE_ERRORS)[number];

/** The contract's words for our own; what is missing here is INTERNAL_ERROR. */
const CODES: Partial<Record<ErrorCode, FrameServiceError>> = {
  bad_message: 'INVALID_MESSAGE',
  message_too_large: 'INVALID_MESSAGE',
  no_session: 'INVALID_SESSION',
  session_not_found: 'INVALID_SESSION',
  timeout: 'INVALID_SESSION',
  avatar_not_found: 'MODEL_NOT_FOUND',
  clip_not_found: 'MODEL_NOT_FOUND',
  avatar_invalid: 'MODEL_NOT_FOUND',
  media_unreadable: 'PROCESSING_ERROR',
  codec_failed: 'PROCESSING_ERROR',
  engine_failed: 'PROCESSING_ERROR',
  rate_limited: 'RATE_LIMIT_EXCEEDED',
  session_limit: 'RATE_LIMIT_EXCEEDED',
  server_full: 'SERVICE_NOT_READY',
  not_ready: 'SERVICE_NOT_READY',
  unauthorized: 'UNAUTHORIZED',
  forbidden: 'UNAUTHORIZED',
};

/** Where a picture stands, and in which action. */
export interface FrameStamp {
  /** Media time of the sound that the picture shows, ms since the video began. */
  readonly timestampMs: number;
  /** The same in the sound that the client has sent, ms since its first sample; null while there is none. */
  readonly audioMs: number | null;
  /** Null if the picture is of no action. */
  readonly action: { readonly index: number; readonly progress: number } | null;
  readonly isKeyFrame: boolean;
}

/** Everything that the frame service says besides pictures. */
export type ServerMessage =
  | {
      readonly type: 'INIT_SUCCESS';
      readonly data: {
        readonly model_loaded: boolean;
        readonly available_videos: readonly string[];
        readonly default_video: string;
        readonly streaming_started: boolean;
        /** From sound taken in to its picture sent, ms. */
        readonly delay_ms: number;
      };
    }
  | {
      readonly type: 'STATE_CHANGED';
      readonly data: { readonly current_state: VideoState; readonly current_video: string };
    }
  | { readonly type: 'ACTION_TRIGGERED'; readonly data: { readonly action_index: number; readonly inserted: boolean } }
  | { readonly type: 'CLOSE_ACK'; readonly data: { readonly reason: 'client_request' } }
  | { readonly type: 'PING'; readonly data: { readonly timestamp: number } }
  | {
      readonly type: 'ERROR';
      readonly data: { readonly code: FrameServiceError; readonly message: string; readonly details?: object };
    };

/** One message as text. */
export function messageText(message: ServerMessage, sessionId: string): string {
  return JSON.stringify({ type: message.type, session_id: sessionId, data: message.data });
}

/** One picture as text, base64. */
export function frameText(data: Uint8Array, { timestampMs, audioMs, action }: FrameStamp, sessionId: string): string {
  return JSON.stringify({
    type: action ? 'ACTION_FRAME' : 'VIDEO_FRAME',
    session_id: sessionId,
    data: {
      frame_data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
      frame_timestamp: timestampMs,
      ...(audioMs === null ? {} : { audio_timestamp: audioMs }),
      ...(action ? { action_index: action.index, action_progress: action.progress } : {}),
    },
  });
}

/** A failure in the contract's words. What the server did not foresee stays private. */
export function errorMessage(error: unknown, details: object = {}): ServerMessage {
  const { code, message } = describeError(error);
  const told = { ...(code === 'server_full' ? { retry_after_s: retryAfterS(error) } : {}), ...details };
  return {
    type: 'ERROR',
    data: {
      code: CODES[code] ?? 'INTERNAL_ERROR',
      message,
      ...(Object.keys(told).length > 0 ? { details: told } : {}),
    },
  };
}
