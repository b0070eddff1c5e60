import { createHash } from 'node:crypto';
import { AppError } from '../../errors.ts';

const REMEMBERED_MS = 10 * 60_000;
/** Answers that are kept; the oldest gives way. */
const MAX_REMEMBERED = 2000;

/** An answer as it was given the first time. */
export interface FirstAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

interface Remembered {
  readonly fingerprint: string;
  readonly atMs: number;
  /** Null while the first request is under way. */
  answer: FirstAnswer | null;
}

/**
 * Lets clients repeat a creation that they do not know the outcome of: the same `Idempotency-Key` gets the first answer again and
 * creates nothing (draft-ietf-httpapi-idempotency-key-header). Keys are kept for ten minutes, by subject. Failures are not kept:
 * they created nothing, so the repetition may succeed.
 */
export class IdempotencyKeys {
  readonly #nowMs: () => number;
  /** In the order of their first request. */
  readonly #remembered = new Map<string, Remembered>();

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#remembered.size;
  }

  /**
   * @param key What the client sent; undefined: nothing is remembered.
   * @param subject Whose key it is: two clients with the same key do not meet.
   * @param order What is asked for. The same key with another order is a mistake of the client.
   * @throws {AppError} `key_reused` for another order; `in_progress` while the first request is under way; what `create` throws.
   */
  async run(
    { key, subject, order }: { key: string | undefined; subject: string; order: unknown },
    create: () => Promise<FirstAnswer>,
  ): Promise<FirstAnswer & { readonly isReplay: boolean }> {
    if (key === undefined) return { ...(await create()), isReplay: false };
    this.#forgetOld();
    const name = JSON.stringify([subject, key]);
    const fingerprint = createHash('sha256').update(JSON.stringify(order)).digest('hex');
    const known = this.#remembered.get(name);
    if (known) {
      if (known.fingerprint !== fingerprint) {
        throw new AppError('key_reused', 'This Idempotency-Key was used for another order; take a new one.');
      }
      if (!known.answer) throw new AppError('in_progress', 'The first request with this Idempotency-Key is under way.');
      return { ...known.answer, isReplay: true };
    }
    const entry: Remembered = { fingerprint, atMs: this.#nowMs(), answer: null };
    this.#remembered.set(name, entry);
    try {
      entry.answer = await create();
      return { ...entry.answer, isReplay: false };
    } catch (error) {
      this.#remembered.delete(name);
      throw error;
    }
  }

  #forgetOld(): void {
    for (const [name, { atMs }] of this.#remembered) {
      if (this.#nowMs() - atMs < REMEMBERED_MS && this.#remembered.size < MAX_REMEMBERED) return;
      this.#remembered.delete(name);
    }
  }
}
