import { parseArgs } from 'node:util';
import { AppError } from '../errors.ts';

/** What the command line said; undefined where it said nothing. */
export interface CommandLine {
  readonly host?: string;
  readonly port?: number;
  /** Path of the avatars file. */
  readonly config?: string;
  /** Path of the settings file. */
  readonly serverConfig?: string;
  readonly verbose: boolean;
  readonly skipChecks: boolean;
  readonly help: boolean;
}

export const HELP = `Usage: npm start -- [options]

  --host HOST            Address to listen on (default: localhost)
  --port PORT            Port to listen on, 0 to 65535; 0 takes a free one (default: 8080)
  --config FILE          Avatars (default: configs/inference/realtime.yaml)
  --server-config FILE   All other settings (default: configs/server.yaml)
  --verbose              Log details
  --skip-checks          Start without checking codecs, files, certificate and port first
  --help                 Show this text
`;

const OPTIONS = {
  host: { type: 'string' },
  port: { type: 'string' },
  config: { type: 'string' },
  'server-config': { type: 'string' },
  verbose: { type: 'boolean' },
  'skip-checks': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/**
 * Reads the arguments after `node server/main.ts`.
 *
 * @throws {AppError} `config_invalid` for an unknown flag, a missing value, a stray word or a port out of range.
 */
export function readCommandLine(args: readonly string[]): CommandLine {
  const values = parse(args);
  return {
    host: values.host,
    port: values.port === undefined ? undefined : readPort(values.port),
    config: values.config,
    serverConfig: values['server-config'],
    verbose: values.verbose ?? false,
    skipChecks: values['skip-checks'] ?? false,
    help: values.help ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false });
    const empty = Object.entries(values).find(([, value]) => value === '');
    if (empty) throw new TypeError(`--${empty[0]} needs a value, got nothing`);
    return values;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('config_invalid', `${reason}\n\n${HELP}`, { cause });
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new AppError('config_invalid', `--port must be a whole number from 0 to 65535, got ${JSON.stringify(text)}`);
}
