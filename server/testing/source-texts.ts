import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** The texts of the TypeScript files below a folder of the repository, without tests. */
export async function sourceTexts(folder: string, isWanted: (path: string) => boolean): Promise<string[]> {
  const texts: string[] = [];
  for await (const path of glob(`${folder}/**/*.ts`, { cwd: ROOT })) {
    if (!path.endsWith('.test.ts') && isWanted(path)) texts.push(await readFile(join(ROOT, path), 'utf8'));
  }
  return texts;
}
