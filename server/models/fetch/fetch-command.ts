import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../../errors.ts';
import { type FetchedFile, type FetchOptions, fetchFiles, type Origin } from './fetch-files.ts';
import type { Manifest } from './manifest.ts';

/** What a person typed. */
export interface FetchOrder {
  readonly manifest: Manifest;
  /** Absolute. */
  readonly folder: string;
  readonly origin: Origin;
  readonly withOptional: boolean;
  readonly acceptsLicences: boolean;
}

/** How the command talks to a person. */
export interface FetchTerminal {
  say(text: string): void;
  /** Asks for yes or no; null where nobody can be asked. */
  readonly ask: ((question: string) => Promise<boolean>) | null;
}

export const FETCH_USAGE = `npm run fetch-models -- <name> [--accept-licence] [--mirror URL | --from folder] [--to folder] [--all]

  --accept-licence  you accept the licences, which are shown without it
  --mirror URL      a server with the same layout: URL/musetalkV15/unet.pth
  --from folder     a folder with the same layout, for machines without internet
  --to folder       where the files go
  --all             the optional ones too
`;

/**
 * @param manifests By name.
 * @throws {AppError} `bad_message` for arguments that make no sense.
 */
export function readFetchOrder(args: readonly string[], manifests: Readonly<Record<string, Manifest>>): FetchOrder {
  const { values, positionals } = parsed([...args]);
  const [name = ''] = positionals;
  const names = Object.keys(manifests);
  if (positionals.length !== 1 || !Object.hasOwn(manifests, name)) {
    throw misused(`one name is needed out of ${names.join(', ')}, got ${positionals.join(' ') || 'none'}`);
  }
  const manifest = manifests[name];
  return {
    manifest,
    folder: resolve(values.to ?? manifest.folder),
    origin: originOf(values.mirror, values.from),
    withOptional: values.all ?? false,
    acceptsLicences: values['accept-licence'] ?? false,
  };
}

/** Shows the licences, asks for consent unless it was given, and fetches. @throws {AppError} `refused`, `fetch_failed` */
export async function carryOutFetch(
  order: FetchOrder,
  terminal: FetchTerminal,
  options: Pick<FetchOptions, 'signal' | 'stallMs' | 'wait' | 'onProgress'>,
): Promise<void> {
  const { manifest, folder, acceptsLicences } = order;
  if (!acceptsLicences) {
    terminal.say(licenceText(order));
    if (!terminal.ask) throw new AppError('refused', 'Nothing was fetched. If you accept them, add --accept-licence.');
    const isAccepted = await terminal.ask('Do you accept these licences? [y/N] ');
    if (!isAccepted) throw new AppError('refused', 'Nothing was fetched.');
  }
  const fetched = await fetchFiles({ ...order, ...options });
  terminal.say(fetched.map(lineOf).join(''));
  terminal.say(`All ${fetched.length} files are in ${folder}. ${manifest.next}\n`);
}

function licenceText({ manifest, withOptional }: FetchOrder): string {
  const used = new Set(manifest.files.filter((file) => withOptional || !file.isOptional).map(({ licence }) => licence));
  const lines = manifest.licences
    .filter(({ name }) => used.has(name))
    .map(({ name, terms, url }) => `  ${name}: ${terms}\n    ${url}\n`);
  return `The files have licences of their own:\n${lines.join('')}`;
}

function lineOf({ path, outcome, sha256, isVerified }: FetchedFile): string {
  const checked = isVerified ? 'checksum right' : `no checksum is known; it is ${sha256}`;
  return `${outcome === 'present' ? 'already there' : 'fetched'}: ${path} (${checked})\n`;
}

function originOf(mirror: string | undefined, from: string | undefined): Origin {
  if (mirror !== undefined && from !== undefined) throw misused('--mirror and --from exclude each other, got both');
  if (from !== undefined) return { kind: 'folder', path: resolve(from) };
  if (mirror === undefined) return { kind: 'publishers' };
  if (!/^https?:\/\/[^\s/]/.test(mirror)) throw misused(`--mirror must be an http address, got ${mirror}`);
  return { kind: 'mirror', url: mirror };
}

function parsed(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        'accept-licence': { type: 'boolean' },
        mirror: { type: 'string' },
        from: { type: 'string' },
        to: { type: 'string' },
        all: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw misused(error instanceof Error ? error.message : String(error));
  }
}

function misused(reason: string): AppError {
  return new AppError('bad_message', `${reason}\n\n${FETCH_USAGE}`);
}
