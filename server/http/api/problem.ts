import { STATUS_CODES } from 'node:http';
import { describeError, type ErrorCode } from '../../errors.ts';

/** Media type of {@link Problem}. */
export const PROBLEM_TYPE = 'application/problem+json';

/** What every refusal under `/api` says (RFC 9457). `code` is one of the table in server/errors.ts. */
export interface Problem {
  /** Always `about:blank`: `status` and `code` say what kind it is (RFC 9457 §4.2.1). */
  readonly type: 'about:blank';
  /** The status in words. */
  readonly title: string;
  readonly status: number;
  /** What happened, and what to do about it. */
  readonly detail: string;
  readonly code: ErrorCode | 'not_found';
  /** Path of the request, without its query. */
  readonly instance: string;
}

/** Puts any thrown value in the words of RFC 9457; what was not foreseen stays private. */
export function problemOf(error: unknown, url: string): Problem {
  const { status, code, message } = describeHttpError(error);
  return problem(status, code, message, url);
}

export function problem(status: number, code: Problem['code'], detail: string, url: string): Problem {
  const [instance = '/'] = url.split('?', 1);
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, code, instance };
}

/** Fastify's own refusals (a body too large, a value that its schema forbids) have a 4xx status and a message that may be told. */
export function describeHttpError(error: unknown): { status: number; code: ErrorCode; message: string } {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (!(error instanceof Error) || !(status >= 400 && status < 500)) return describeError(error);
  return { status, code: CODES[status] ?? 'bad_message', message: error.message };
}

const CODES: Readonly<Record<number, ErrorCode>> = {
  413: 'message_too_large',
  415: 'unsupported_media',
  429: 'rate_limited',
};
