import { statSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ENGINE_IDS } from '../../server/engines/registry.ts';
import { AppError } from '../../server/errors.ts';

export const USAGE = `Usage: npm run render -- --avatar sam --audio speech.wav --out talk.mp4 [options]

  --avatar AVATAR   Key in the configuration, or the folder of a prepared avatar
  --audio FILE      What the avatar says: a wav file of up to 10 minutes
  --out FILE        Film to write: mp4, H.264 and AAC
  --sheet FILE      Also write a contact sheet of the film, png
  --params FILE     Also write what the mouth does, one line of JSON per frame
  --engine ID       ${ENGINE_IDS.join(', ')} (default: that of the configuration)
  --crf NUMBER      Quality of the film, 0 (lossless) to 51 (default: 18)
  --config FILE     Avatars (default: configs/inference/realtime.yaml)
`;

const OPTIONS = {
  avatar: { type: 'string' },
  audio: { type: 'string' },
  out: { type: 'string' },
  sheet: { type: 'string' },
  params: { type: 'string' },
  engine: { type: 'string' },
  crf: { type: 'string', default: '18' },
  config: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** What to render. All paths are absolute, except `avatar`, which may be no path at all. */
export interface Order {
  readonly avatar: string;
  readonly audio: string;
  readonly out: string;
  readonly sheet: string | null;
  readonly params: string | null;
  /** Null: the configured one. */
  readonly engine: string | null;
  readonly crf: number;
  /** Null: the default file. */
  readonly config: string | null;
}

/**
 * Reads the arguments after the script's name.
 *
 * @param folder Absolute; where relative paths start.
 * @returns Null if help was asked for.
 * @throws {AppError} `config_invalid` for arguments that make no sense; one line.
 */
export function readOrder(args: readonly string[], folder: string): Order | null {
  const values = parsed(args);
  if (values.help) return null;
  const needed = (name: 'avatar' | 'audio' | 'out'): string => {
    const value = values[name];
    if (value) return value;
    throw misused(`--${name} is needed, got nothing`);
  };
  const written = (name: 'out' | 'sheet' | 'params', ending: string): string | null => {
    const path = values[name] ? resolve(folder, values[name]) : null;
    if (path) assertWritable(name, path, ending);
    return path;
  };
  const crf = Number(values.crf);
  if (!(values.crf !== '' && crf >= 0 && crf <= 51)) throw misused(`--crf must be from 0 to 51, got ${values.crf}`);
  const engine = values.engine ?? null;
  if (engine !== null && !ENGINE_IDS.includes(engine)) {
    throw misused(`--engine must be one of ${ENGINE_IDS.join(', ')}, got ${engine}`);
  }
  needed('out');
  return {
    avatar: needed('avatar'),
    audio: resolve(folder, needed('audio')),
    out: written('out', '.mp4') as string,
    sheet: written('sheet', '.png'),
    params: written('params', '.jsonl'),
    engine,
    crf,
    config: values.config ?? null,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: false }).values;
  } catch (error) {
    const [firstLine] = String(error instanceof Error ? error.message : error).split(/\.? To specify|\n/);
    throw misused(firstLine);
  }
}

/** Told at once, and not after all the work. */
function assertWritable(name: string, path: string, ending: string): void {
  if (extname(path).toLowerCase() !== ending) throw misused(`--${name} must end in ${ending}, got ${path}`);
  const folder = statSync(dirname(path), { throwIfNoEntry: false });
  if (!folder?.isDirectory()) throw misused(`--${name} ${path} lies in a folder that does not exist`);
}

function misused(problem: string): AppError {
  return new AppError('config_invalid', `${problem}. \`npm run render -- --help\` lists the options.`);
}
