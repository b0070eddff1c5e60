import { errors, jwtVerify, SignJWT } from 'jose';
import { AppError } from '../../errors.ts';
import { SCOPES, type Scope } from './access.ts';

const ISSUER = 'musecast';
const ALGORITHM = 'HS256';
/** Clocks of the servers that share a secret may differ by so much. */
const CLOCK_TOLERANCE_S = 5;

/** What a token says. */
export interface TokenClaims {
  /** Name of the key that it was made with. */
  readonly subject: string;
  readonly scope: Scope;
  /** The only session that it is good for; null for all of the subject's. */
  readonly sessionId: string | null;
}

/** Makes and reads short-lived session tokens: JSON Web Tokens (RFC 7519) signed with HMAC SHA-256. */
export class SessionTokens {
  readonly #secret: Uint8Array;
  readonly #nowMs: () => number;

  /**
   * @param secret At least 32 bytes. Servers that shall take each other's tokens share it.
   * @param nowMs Unix time in ms.
   */
  constructor(secret: Uint8Array, nowMs: () => number = Date.now) {
    if (secret.byteLength < 32)
      throw new RangeError(`the secret must have at least 32 bytes, got ${secret.byteLength}`);
    this.#secret = secret;
    this.#nowMs = nowMs;
  }

  /** @param lifetimeS Seconds from now until it expires. */
  issue({ subject, scope, sessionId }: TokenClaims, lifetimeS: number): Promise<string> {
    const nowS = Math.floor(this.#nowMs() / 1000);
    return new SignJWT({ scope, ...(sessionId === null ? {} : { session: sessionId }) })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setIssuer(ISSUER)
      .setSubject(subject)
      .setIssuedAt(nowS)
      .setExpirationTime(nowS + lifetimeS)
      .sign(this.#secret);
  }

  /** @throws {AppError} `unauthorized` if the token is none of ours or has expired; the message never holds any of it. */
  async read(token: string): Promise<TokenClaims> {
    try {
      const { payload } = await jwtVerify(token, this.#secret, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        requiredClaims: ['sub', 'exp'],
        clockTolerance: CLOCK_TOLERANCE_S,
        currentDate: new Date(this.#nowMs()),
      });
      const { sub, session } = payload;
      const scope = SCOPES.find((each) => each === payload.scope);
      if (sub && scope) return { subject: sub, scope, sessionId: typeof session === 'string' ? session : null };
    } catch (error) {
      if (error instanceof errors.JWTExpired)
        throw new AppError('unauthorized', 'The token has expired; get a new one.');
      // Whatever else is wrong with it, its sender learns no more than that.
    }
    throw new AppError('unauthorized', 'The key or token is not good here.');
  }
}
