import { createHash, randomBytes } from 'node:crypto';
import type { Scope } from './access.ts';

/** What every API key begins with, so that leaked ones can be found by tools that look for such. */
const PREFIX = 'mc_';
/** As many as SHA-256 has: nobody guesses that, so the plain hash needs neither salt nor stretching. */
const KEY_BYTES = 32;

/** An API key as the server knows it: by its hash alone. */
export interface KeyEntry {
  /** Name of the key, for logs and listings. */
  readonly id: string;
  /** SHA-256 of the whole key, 64 hexadecimal digits in lower case. */
  readonly sha256: string;
  readonly scope: Scope;
  /** Sessions that it may hold at once; null for no limit of its own. */
  readonly maxSessions: number | null;
  /** Null for the server's common limit. */
  readonly maxRequestsPerSecond: number | null;
}

/** A new key. It is told once; the server keeps {@link hashOfKey} of it. */
export function makeApiKey(): string {
  return PREFIX + randomBytes(KEY_BYTES).toString('base64url');
}

export function isApiKey(credential: string): boolean {
  return credential.startsWith(PREFIX);
}

/** 64 hexadecimal digits. */
export function hashOfKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
