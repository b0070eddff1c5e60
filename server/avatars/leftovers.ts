import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Removes what preparations of `folder` left that were killed; what another process is at stays.
 *
 * @param folder Preparations work in `<folder>.<pid>-<anything>`.
 */
export async function removeLeftovers(folder: string): Promise<void> {
  const siblings = await readdir(dirname(folder)).catch(() => []);
  for (const name of siblings) {
    const [, owner] = name.split(`${basename(folder)}.`);
    if (owner === undefined || (owner !== '' && isRunning(Number.parseInt(owner, 10)))) continue;
    await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  if (!(pid > 0) || pid === process.pid) return pid === process.pid;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
