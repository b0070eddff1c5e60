import { statSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../../server/errors.ts';

export const USAGE = `Usage: npm run client -- --avatar sam --wav in.wav --out out.mp4 [options]
       npm run client -- --avatar sam --interactive

Talks to a running server through its frame service (WebSocket): sends sound, gets H.264 pictures.

  --avatar ID       User id, which is the avatar's unless the server's configuration says otherwise (default: guest)
  --wav FILE        What the avatar says, in real time
  --out FILE        Film of what came, mp4
  --stats FILE      What was measured, JSON; it is printed as well
  --interactive     Take commands from the keyboard
  --url URL         The server (default: http://localhost:8080)
  --token TOKEN     API key or session token; better given as the environment variable MUSECAST_TOKEN
  --binary          Sound and pictures without base64
  --tail SECONDS    Time to watch on after the sound (default: 1)
`;

const OPTIONS = {
  avatar: { type: 'string', default: 'guest' },
  wav: { type: 'string' },
  out: { type: 'string' },
  stats: { type: 'string' },
  interactive: { type: 'boolean', default: false },
  url: { type: 'string', default: 'http://localhost:8080' },
  token: { type: 'string' },
  binary: { type: 'boolean', default: false },
  tail: { type: 'string', default: '1' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** What to do. All paths are absolute. */
export interface Order {
  /** Address of the WebSocket. */
  readonly url: string;
  readonly token: string | undefined;
  readonly isBinary: boolean;
  readonly isInteractive: boolean;
  /** Null: nothing is said. */
  readonly wav: string | null;
  readonly out: string | null;
  readonly stats: string | null;
  readonly tailMs: number;
}

/**
 * Reads the arguments after the script's name.
 *
 * @param folder Absolute; where relative paths start.
 * @param environment Where the token may be.
 * @returns Null if help was asked for.
 * @throws {AppError} `config_invalid` for arguments that make no sense; one line.
 */
export function readOrder(
  args: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string | undefined>> = {},
): Order | null {
  const values = parsed(args);
  if (values.help) return null;
  const tailS = Number(values.tail);
  if (!(values.tail !== '' && tailS >= 0 && tailS <= 600)) {
    throw misused(`--tail must be from 0 to 600 seconds, got ${values.tail}`);
  }
  if (!values.interactive && values.wav === undefined) throw misused('--wav or --interactive is needed, got neither');
  return {
    url: socketUrl(values.url, values.avatar),
    token: values.token ?? environment.MUSECAST_TOKEN,
    isBinary: values.binary,
    isInteractive: values.interactive,
    wav: values.wav === undefined ? null : resolve(folder, values.wav),
    out: written('out', values.out, '.mp4', folder),
    stats: written('stats', values.stats, '.json', folder),
    tailMs: tailS * 1000,
  };
}

function socketUrl(server: string, user: string): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(user)) throw misused(`--avatar must be 1 to 64 of A-Z a-z 0-9 _ -, got ${user}`);
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol)) {
    throw misused(`--url must be an address such as http://localhost:8080, got ${server}`);
  }
  const url = new URL(`musetalk/v1/ws/${user}`, server.endsWith('/') ? server : `${server}/`);
  url.protocol = url.protocol.replace('http', 'ws');
  return url.href;
}

/** Told at once, and not after all the work. */
function written(name: string, value: string | undefined, ending: string, folder: string): string | null {
  if (value === undefined) return null;
  const path = resolve(folder, value);
  if (extname(path).toLowerCase() !== ending) throw misused(`--${name} must end in ${ending}, got ${path}`);
  if (!statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory()) {
    throw misused(`--${name} ${path} lies in a folder that does not exist`);
  }
  return path;
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: false }).values;
  } catch (error) {
    const [firstLine] = String(error instanceof Error ? error.message : error).split(/\.? To specify|\n/);
    throw misused(firstLine);
  }
}

function misused(problem: string): AppError {
  return new AppError('config_invalid', `${problem}. \`npm run client -- --help\` lists the options.`);
}
