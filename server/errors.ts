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

/** Seconds after which somebody who was refused may try again, where the refusal itself does not say. */
const RETRY_AFTER_S: Partial<Record<ErrorCode, number>> = { server_full: 10, not_ready: 2, rate_limited: 1 };

/** A failure that was foreseen. The message says where, what was expected, what was found and what to do. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  /** Seconds after which trying again may help; null where it does not. */
  readonly retryAfterS: number | null;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; retryAfterS?: number }) {
    super(message, options);
    this.code = code;
    this.retryAfterS = options?.retryAfterS ?? RETRY_AFTER_S[code] ?? null;
  }

  /** HTTP status of this failure. */
  get status(): number {
    return ERROR_STATUS[this.code];
  }
}

/** Seconds after which whoever got `error` may try again; null where that does not help. */
export function retryAfterS(error: unknown): number | null {
  return error instanceof AppError ? error.retryAfterS : null;
}

/** What to tell a client about any thrown value: foreseen failures speak for themselves, the rest stays private. */
export function describeError(error: unknown): { code: ErrorCode; message: string; status: number } {
  if (error instanceof AppError) return { code: error.code, message: error.message, status: error.status };
  return { code: 'internal', message: 'Something went wrong inside the server; its log says what.', status: 500 };
}
