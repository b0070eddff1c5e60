import { randomBytes } from 'node:crypto';
import type { Settings } from '../../config/settings.ts';
import { AppError } from '../../errors.ts';
import { type Access, FREE_ACCESS } from './access.ts';
import { KeyAccess } from './key-access.ts';
import { SessionTokens } from './session-tokens.ts';

/** Environment variable with the secret that session tokens are signed with; goes before the setting. */
const SECRET_VARIABLE = 'MUSECAST_TOKEN_SECRET';
const MIN_SECRET_LENGTH = 32;

/** Who may come in, and what makes tokens for them. */
export interface OpenedAccess {
  readonly access: Access;
  readonly tokens: SessionTokens;
}

/**
 * Decides who may come in. Unless the settings say otherwise, everybody on this machine may, and elsewhere whoever has a key.
 *
 * @param env Environment of the process.
 * @throws {AppError} `config_invalid` if the server could be reached from elsewhere and nobody said who may use it.
 */
export function openAccess(settings: Settings, env: NodeJS.ProcessEnv): OpenedAccess {
  const { access, http } = settings;
  const isReachable = !isLoopback(http.host) || http.trustProxy;
  const tokens = new SessionTokens(secretOf(access.tokenSecret, env));
  if (!(access.required ?? isReachable)) return { access: FREE_ACCESS, tokens };
  if (access.keys.length === 0) {
    const why = access.required
      ? 'access.required is true, and there are no keys'
      : http.trustProxy
        ? 'http.trust_proxy says that others reach this server, and nothing says who may use it'
        : `http.host ${http.host} can be reached from other machines, and nothing says who may use this server`;
    throw new AppError(
      'config_invalid',
      `${why}. Make a key with \`npm run api-key -- --id me --scope speak\` and put what it prints under access.keys of configs/server.yaml; or, if everybody who gets there may use it, set access.required: false.`,
    );
  }
  return { access: new KeyAccess(access.keys, tokens), tokens };
}

/** Whether only programs of this machine reach a server that listens there. */
export function isLoopback(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/^::ffff:/, '');
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name);
}

/** Without a configured one, a secret of this process: its tokens end with it. */
function secretOf(setting: string | null, env: NodeJS.ProcessEnv): Uint8Array {
  const secret = env[SECRET_VARIABLE] ?? setting;
  if (secret === null || secret === undefined) return randomBytes(MIN_SECRET_LENGTH);
  if (secret.length >= MIN_SECRET_LENGTH) return new TextEncoder().encode(secret);
  throw new AppError(
    'config_invalid',
    `${SECRET_VARIABLE} must have at least ${MIN_SECRET_LENGTH} characters, got ${secret.length}; \`openssl rand -base64 48\` makes a good one.`,
  );
}
