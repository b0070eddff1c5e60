import { lstat, readdir, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError } from './errors.ts';

const LONGEST_PATH = 1024;
const MOST_PARTS = 32;

/**
 * Files that clients may name: those below the configured media folders. A path starts at such a folder, or at its name as the
 * configuration writes it: `sam/hello.wav` and `avatars/sam/hello.wav` are the same file.
 */
export class MediaFolders {
  readonly #folders: readonly string[];

  /** @param folders Absolute paths (`media.folders`). */
  constructor(folders: readonly string[]) {
    this.#folders = folders;
  }

  /**
   * Finds what a client names. Nothing outside the folders is looked at, not to say whether it is there either; links and hidden
   * files below them are refused.
   *
   * @returns Absolute path of a file, or of a folder if that is wanted too.
   * @throws {AppError} `bad_message` for what is no plain relative path, `media_not_found`.
   */
  async find(path: string, wanted: 'file' | 'file or folder'): Promise<string> {
    const parts = partsOf(path);
    for (const folder of this.#folders) {
      const starts = parts[0] === basename(folder) ? [parts.slice(1), parts] : [parts];
      for (const below of starts) {
        const found = await lookUp(folder, below, wanted);
        if (found) return found;
      }
    }
    throw new AppError(
      'media_not_found',
      `There is no ${wanted} ${JSON.stringify(path)} in the media folders. Give a path that starts at one of media.folders.`,
    );
  }
}

function partsOf(path: string): readonly string[] {
  const parts = path.split('/');
  const isPlain =
    path.length <= LONGEST_PATH &&
    parts.length <= MOST_PARTS &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
    !/[\\:\u0000-\u001f]/.test(path) &&
    parts.every((part) => part !== '' && !part.startsWith('.'));
  if (isPlain) return parts;
  throw new AppError(
    'bad_message',
    'A path must be relative to a media folder, such as sam/hello.wav, without "..", hidden files, backslashes, colons or empty parts.',
  );
}

/** Null if it is not there, not what is wanted, or reached through a link. */
async function lookUp(
  folder: string,
  parts: readonly string[],
  wanted: 'file' | 'file or folder',
): Promise<string | null> {
  if (parts.length === 0) return null;
  try {
    const root = await realpath(folder);
    const path = join(root, ...parts);
    if ((await realpath(path)) !== path) return null;
    const entry = await lstat(path);
    if (entry.isFile()) return path;
    if (!entry.isDirectory() || wanted === 'file') return null;
    const entries = await readdir(path, { withFileTypes: true });
    return entries.some((each) => each.isSymbolicLink()) ? null : path;
  } catch {
    return null;
  }
}
