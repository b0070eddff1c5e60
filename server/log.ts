import { mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';
import { AppError } from './errors.ts';
import { prettyStream } from './log-pretty.ts';

/** Where modules write: a constant message, values in fields. Never speech, SDP, tokens; addresses at debug only. */
export type Log = Pick<pino.Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child' | 'level'>;

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  /** Absolute path of the file that gets every line as JSON; null for none. */
  readonly file: string | null;
  /** Standard output unless a test passes its own. Lines are for people if it is a terminal, else JSON. */
  readonly output?: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** A safety net below the rule that secrets are not logged at all. */
const SECRETS = ['sdp', 'token', 'credential', 'password', 'authorization'].flatMap((name) => [name, `*.${name}`]);

/**
 * Opens the log of the process: standard output and, with the same lines as JSON, a file.
 *
 * @throws {AppError} `config_invalid` if the file cannot be written.
 */
export function openLog({ level, file, output = process.stdout }: LogOptions): Log {
  const streams: pino.StreamEntry[] = [{ level, stream: output.isTTY ? prettyStream(output) : output }];
  if (file) streams.push({ level, stream: openFile(file) });
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: SECRETS },
    pino.multistream(streams),
  );
}

/** A log that says nothing, for tests and command-line tools. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}

function openFile(path: string): { write(line: string): void } {
  const file = openOrExplain(path);
  return {
    // Synchronous, so that the last lines before a crash are there; a log line per event, never per frame, affords it.
    write(line) {
      try {
        writeSync(file, line);
      } catch {
        // A full disk must not end the sessions; the line stands in standard output.
      }
    },
  };
}

function openOrExplain(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'a');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const advice = 'Make it writable, or set log.file in configs/server.yaml to another path or to null.';
    throw new AppError('config_invalid', `log.file ${path} cannot be written: ${reason}. ${advice}`, { cause });
  }
}
