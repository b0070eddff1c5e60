/**
 * Every foreseen failure, with the HTTP status it becomes. A caller's bug is a `TypeError` or
 * `RangeError` instead, and a cancelled wait an `AbortError`.
 */
export const ERROR_STATUS = {
  bad_message: 400,
  bad_sdp: 400,
  unauthorized: 401,
  forbidden: 403,
  no_media: 400,
  message_too_large: 413,
  unsupported_media: 415,
  avatar_not_found: 404,
  clip_not_found: 404,
  media_not_found: 404,
  session_not_found: 404,
  no_session: 409,
  in_progress: 409,
  precondition_failed: 412,
  precondition_required: 428,
  key_reused: 422,
  method_not_allowed: 405,
  session_exists: 409,
  avatar_exists: 409,
  refused: 403,
  rate_limited: 429,
  session_limit: 429,
  avatar_limit: 409,
  server_full: 503,
  not_ready: 503,
  config_invalid: 500,
  avatar_invalid: 422,
  media_unreadable: 422,
  face_not_found: 422,
  model_missing: 500,
  model_invalid: 500,
  fetch_failed: 502,
  engine_failed: 500,
  codec_failed: 500,
  transport_failed: 500,
  port_unavailable: 500,
  tls_invalid: 500,
  timeout: 504,
  internal: 500,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** A failure that was foreseen. The message says where, what was expected, what was found and what to do. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** HTTP status of this failure. */
  get status(): number {
    return ERROR_STATUS[this.code];
  }
}

/** What to tell a client about any thrown value: foreseen failures speak for themselves, the rest stays private. */
export function describeError(error: unknown): { code: ErrorCode; message: string; status: number } {
  if (error instanceof AppError) return { code: error.code, message: error.message, status: error.status };
  return { code: 'internal', message: 'Something went wrong inside the server; its log says what.', status: 500 };
}
