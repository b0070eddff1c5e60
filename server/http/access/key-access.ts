import { AppError } from '../../errors.ts';
import { type Access, covers, type Grant, type Scope } from './access.ts';
import { hashOfKey, isApiKey, type KeyEntry } from './api-key.ts';
import { MAX_CREDENTIAL_LENGTH } from './credential.ts';
import type { SessionTokens } from './session-tokens.ts';

/** Admits who has one of the configured API keys, or a session token that was made with one. */
export class KeyAccess implements Access {
  readonly isRequired = true;
  readonly #byHash: ReadonlyMap<string, KeyEntry>;
  readonly #byId: ReadonlyMap<string, KeyEntry>;
  readonly #tokens: SessionTokens;

  constructor(keys: readonly KeyEntry[], tokens: SessionTokens) {
    this.#byHash = new Map(keys.map((key) => [key.sha256, key]));
    this.#byId = new Map(keys.map((key) => [key.id, key]));
    this.#tokens = tokens;
  }

  async admit(credential: string | undefined, scope: Scope): Promise<Grant> {
    if (!credential) {
      throw new AppError('unauthorized', 'Give an API key or a session token: Authorization: Bearer …');
    }
    const grant = await this.#grantOf(credential);
    if (covers(grant.scope, scope)) return grant;
    throw new AppError(
      'forbidden',
      `This needs the scope ${scope}; the ${grant.credential} is good for ${grant.scope}.`,
    );
  }

  async #grantOf(credential: string): Promise<Grant> {
    if (credential.length > MAX_CREDENTIAL_LENGTH) throw notGood();
    if (isApiKey(credential)) {
      // The hash is looked up: how long that takes says nothing of use about the hashes that are known.
      const key = this.#byHash.get(hashOfKey(credential));
      if (!key) throw notGood();
      return { ...limitsOf(key), scope: key.scope, credential: 'key', sessionId: null };
    }
    const claims = await this.#tokens.read(credential);
    // A key that was taken out of the configuration takes its tokens with it.
    const key = this.#byId.get(claims.subject);
    if (!key) throw notGood();
    const scope = covers(key.scope, claims.scope) ? claims.scope : key.scope;
    return { ...limitsOf(key), scope, credential: 'token', sessionId: claims.sessionId };
  }
}

function limitsOf({ id, maxSessions, maxRequestsPerSecond }: KeyEntry) {
  return { subject: id, maxSessions, maxRequestsPerSecond };
}

function notGood(): AppError {
  return new AppError('unauthorized', 'The key or token is not good here.');
}
