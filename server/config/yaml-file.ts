import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { AppError } from '../errors.ts';
import type { Mistake } from './rule.ts';

/**
 * Reads a YAML 1.2 file into plain values; an empty file is `{}`.
 *
 * @throws {AppError} `config_invalid` if the file cannot be read, or with every syntax error by line and column.
 */
export function readYamlFile(path: string): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(readTextFile(path), { lineCounter, prettyErrors: false });
  const mistakes = document.errors.map((error) => {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    return `line ${line}, column ${col}: ${error.message}`;
  });
  if (mistakes.length > 0) throw configInvalid(path, mistakes);
  try {
    return document.toJS() ?? {};
  } catch (cause) {
    // An alias without its anchor is found only here.
    throw configInvalid(path, [cause instanceof Error ? cause.message : String(cause)]);
  }
}

/** The one form in which mistakes of a configuration file are reported: all of them, one a line. */
export function configInvalid(path: string, mistakes: readonly Mistake[]): AppError {
  const lines = mistakes.map((mistake) => `  ${mistake}`).join('\n');
  return new AppError('config_invalid', `${path} has ${mistakes.length} problem(s):\n${lines}`);
}

function readTextFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const reason =
      cause instanceof Error && 'code' in cause && cause.code === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new AppError(
      'config_invalid',
      `The configuration file ${path} ${reason}; give its path with --config or --server-config.`,
      { cause },
    );
  }
}
