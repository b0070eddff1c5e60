import type {} from '@fastify/swagger';
import { SCOPES } from '../access/access.ts';

/** A JSON Schema (2020-12), as requests are checked against it and documents show it. */
export type Schema = Readonly<Record<string, unknown>>;

/** An object with these members and no others. */
export function record(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', additionalProperties: false, required, properties };
}

export function listOf(items: Schema): Schema {
  return { type: 'array', items };
}

/** `schema` with words for people. */
export function described(description: string, schema: Schema): Schema {
  return { ...schema, description };
}

export const ID: Schema = { type: 'string', minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' };
export const NAME: Schema = { type: 'string', minLength: 1, maxLength: 256 };
export const SCOPE: Schema = { type: 'string', enum: [...SCOPES] };
export const nullable = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });

export const IDEMPOTENCY_HEADERS: Schema = {
  type: 'object',
  properties: {
    'idempotency-key': described(
      'A text of your own, new for every order: the same one again gets the first answer and creates nothing.',
      { type: 'string', minLength: 1, maxLength: 128, pattern: '^[\\x21-\\x7e]+$' },
    ),
  },
};
export type IdempotencyHeaders = { readonly 'idempotency-key'?: string };

/** RFC 9457. */
export const PROBLEM: Schema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'instance'],
  properties: {
    type: { type: 'string', const: 'about:blank' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: described('What kind of refusal it is; programs look at this.', { type: 'string' }),
    instance: { type: 'string' },
  },
};

/** The refusals of a route, by status. */
export function refusals(...statuses: readonly number[]): Readonly<Record<number, Schema>> {
  const words: Readonly<Record<number, string>> = {
    400: 'The request is not as described here.',
    401: 'The key or token is missing, unknown or has expired.',
    403: 'The key or token is not good for this.',
    404: 'There is no such thing, or it is not yours.',
    405: 'The method is not for this address.',
    409: 'It cannot be done now.',
    412: 'The ETag is of an earlier ICE session.',
    413: 'It has more bytes than it may have.',
    415: 'The media type is another one.',
    422: 'It was understood and cannot be done.',
    428: 'If-Match is missing.',
    429: 'Too many requests or sessions.',
    503: 'All places are taken, or the server is starting; see Retry-After.',
  };
  const entries = statuses.map((status) => [
    status,
    { description: words[status], content: { 'application/problem+json': { schema: PROBLEM } } },
  ]);
  return Object.fromEntries(entries);
}
