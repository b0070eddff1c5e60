import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Consent } from './avatars/source-clips.ts';

const VERSION = 1;
const RECORD = 'avatar.json';
/** Folders of avatars that are not complete; no id begins like this. */
const UNFINISHED = '.new-';

/** What is known of an avatar that somebody brought in: `<folder>/<id>/avatar.json`. */
export interface OwnAvatarRecord {
  /** `[A-Za-z0-9_-]{1,64}`, the name of its folder. */
  readonly id: string;
  /** What people read. */
  readonly name: string;
  readonly consent: Consent;
  /** What was brought in, relative to the avatar's folder: a file, or a folder of files. */
  readonly source: string;
  /** Whether it was ready once. One that never was is not worth keeping when it fails. */
  readonly isPrepared: boolean;
}

/** The folder of the avatars that people brought in: `<folder>/<id>/` holds the record, the source and what was prepared. */
export class OwnAvatarFiles {
  readonly folder: string;

  /** @param folder Absolute; made when the first avatar comes. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Removes what a killed process left half done, and reads the rest by id. What is damaged is left alone and not listed. */
  async open(): Promise<OwnAvatarRecord[]> {
    const names = (await readdir(this.folder).catch(() => [])).sort();
    const records: OwnAvatarRecord[] = [];
    for (const name of names) {
      if (name.startsWith(UNFINISHED)) await rm(join(this.folder, name), { recursive: true, force: true });
      const record = await readRecord(join(this.folder, name));
      if (record?.id === name) records.push(record);
    }
    return records;
  }

  /** @returns Absolute path of a new folder for the source of an avatar to come; whoever asked for it removes or {@link keep}s it. */
  async begin(): Promise<string> {
    const folder = join(this.folder, `${UNFINISHED}${randomUUID()}`);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /** Makes a folder of {@link begin} the avatar's, in one step. Whoever calls has made sure that the id is free. */
  async keep(unfinished: string, record: OwnAvatarRecord): Promise<void> {
    await writeRecord(unfinished, record);
    const folder = this.#folderOf(record.id);
    // What is there without being listed is damaged.
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
  }

  /** Writes a record anew, in one step. */
  async update(record: OwnAvatarRecord): Promise<void> {
    await writeRecord(this.#folderOf(record.id), record);
  }

  /** Removes everything of an avatar. Idempotent. */
  async remove(id: string): Promise<void> {
    await rm(this.#folderOf(id), { recursive: true, force: true });
  }

  /** @returns Absolute path of what was brought in. */
  sourceOf({ id, source }: OwnAvatarRecord): string {
    return join(this.#folderOf(id), source);
  }

  #folderOf(id: string): string {
    return join(this.folder, id);
  }
}

async function readRecord(folder: string): Promise<OwnAvatarRecord | null> {
  try {
    const { version, ...record } = JSON.parse(await readFile(join(folder, RECORD), 'utf8'));
    return version === VERSION ? record : null;
  } catch {
    return null;
  }
}

async function writeRecord(folder: string, record: OwnAvatarRecord): Promise<void> {
  const path = join(folder, RECORD);
  const part = `${path}.${randomUUID()}`;
  await writeFile(part, `${JSON.stringify({ version: VERSION, ...record }, null, 2)}\n`);
  await rename(part, path);
}
