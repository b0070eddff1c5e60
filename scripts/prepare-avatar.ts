import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { exportAvatar, importAvatar } from '../server/avatars/avatar-archive.ts';
import { AvatarRefused, formatReport } from '../server/avatars/avatar-report.ts';
import { prepareAvatar } from '../server/avatars/preparation.ts';
import type { Manifest } from '../server/avatars/prepared-files.ts';
import type { Consent } from '../server/avatars/source-clips.ts';
import { AppError } from '../server/errors.ts';
import { progressBar } from '../server/progress-bar.ts';

// Brings a video, a photo, a folder or an export into avatars/<id>/, prepares it and says what to write into the configuration; or exports one.

const USAGE = `npm run prepare-avatar -- <video, photo or folder> --id name [--name "What people read"] [--bbox-shift=pixels]
  npm run prepare-avatar -- export <id> <file.tar.gz>
  npm run prepare-avatar -- import <file.tar.gz> [--id name] [--name "What people read"]`;
const ROOT = resolve(import.meta.dirname, '..');
const ID = /^[A-Za-z0-9_-]{1,64}$/;

interface Order {
  /** Absolute. */
  readonly source: string;
  readonly id: string;
  /** Null: made from the id. */
  readonly name: string | null;
  readonly bboxShiftPx: number;
  readonly consent?: Consent;
}

interface BroughtIn {
  readonly order: Order;
  /** Absolute. */
  readonly videoFile: string;
  /** Takes back what was copied. */
  readonly undo: () => Promise<void>;
}

try {
  const { values, positionals } = parsed(process.argv.slice(2));
  if (positionals[0] === 'export') await exportTo(positionals.slice(1));
  else
    await bringAndPrepare(
      positionals[0] === 'import'
        ? await unpack(positionals.slice(1), values)
        : await bringIn(readOrder(positionals, values)),
    );
} catch (error) {
  // One line for what can be put right by whoever typed the command, everything for what cannot.
  console.error(error instanceof AppError ? error.message : error);
  if (error instanceof AvatarRefused) console.error(formatReport(error.report));
  process.exitCode = 1;
}

async function bringAndPrepare({ order, videoFile, undo }: BroughtIn): Promise<void> {
  try {
    const manifest = await prepare(order, videoFile);
    process.stdout.write(report(order, videoFile, manifest));
  } catch (error) {
    await undo();
    throw error;
  }
}

/** @throws {AppError} `bad_message` for arguments that make no sense. */
function readOrder(positionals: readonly string[], values: ReturnType<typeof parsed>['values']): Order {
  const { id, name = null } = values;
  const bboxShiftPx = Number(values['bbox-shift'] ?? 0);
  if (positionals.length !== 1) throw misused(`one path is needed, got ${positionals.length}`);
  if (!id || !ID.test(id)) throw misused(`--id must be 1 to 64 letters, digits, _ or -, got ${id ?? 'none'}`);
  if (!Number.isInteger(bboxShiftPx) || Math.abs(bboxShiftPx) > 256) {
    throw misused(`--bbox-shift must be a whole number from -256 to 256, got ${values['bbox-shift']}`);
  }
  return { source: resolve(positionals[0]), id, name, bboxShiftPx };
}

function parsed(args: string[]) {
  try {
    const options = { id: { type: 'string' }, name: { type: 'string' }, 'bbox-shift': { type: 'string' } } as const;
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw misused(error instanceof Error ? error.message : String(error));
  }
}

function misused(problem: string): AppError {
  return new AppError('bad_message', `${problem}. Usage: ${USAGE}`);
}

async function exportTo([id, path, ...more]: readonly string[]): Promise<void> {
  if (!id || !path || more.length > 0 || !ID.test(id)) throw misused('export needs the id of an avatar and a file');
  const packed = await exportAvatar(id, join(ROOT, 'avatars', id));
  await writeFile(resolve(path), packed, { flag: 'wx' });
  process.stdout.write(`Exported avatars/${id} into ${path}: ${(packed.length / 1e6).toFixed(1)} MB.\n`);
}

/** Unpacks an export into avatars/<id>/. */
async function unpack(
  [path, ...more]: readonly string[],
  { id, name }: { id?: string; name?: string },
): Promise<BroughtIn> {
  if (!path || more.length > 0) throw misused('import needs one file');
  if (id !== undefined && !ID.test(id)) throw misused(`--id must be 1 to 64 letters, digits, _ or -, got ${id}`);
  const homeOf = (told: string) => join(ROOT, 'avatars', id ?? told);
  const about = await importAvatar(await readFile(resolve(path)), path, homeOf);
  const home = homeOf(about.id);
  const { bboxShiftPx, consent } = about;
  const order = { source: home, id: id ?? about.id, name: name ?? null, bboxShiftPx, ...(consent && { consent }) };
  return { order, videoFile: await sourceIn(home), undo: () => rm(home, { recursive: true, force: true }) };
}

/** The only picture or video of a folder that is no folder of clips, or else the folder. */
async function sourceIn(home: string): Promise<string> {
  const names = (await readdir(home)).filter((name) => !/\.wav$/i.test(name));
  const isClips = names.some((name) => /^idle_0\./.test(name));
  return names.length === 1 && !isClips ? join(home, names[0]) : home;
}

/** Copies the source into avatars/<id>/, unless it lies there already. */
async function bringIn(order: Order): Promise<BroughtIn> {
  const { source, id } = order;
  const home = join(ROOT, 'avatars', id);
  const entry = await stat(source).catch(() => null);
  if (!entry) throw new AppError('avatar_invalid', `${source} does not exist. Give a video, an image or a folder.`);
  if (source === home || source.startsWith(home + sep)) return { order, videoFile: source, undo: async () => {} };
  if (await stat(home).catch(() => null)) {
    throw new AppError(
      'avatar_invalid',
      `avatars/${id} exists already. Choose another --id, remove it, or give what lies in it.`,
    );
  }
  const videoFile = entry.isDirectory() ? home : join(home, basename(source));
  await mkdir(home, { recursive: true });
  await cp(source, videoFile, { recursive: true });
  return { order, videoFile, undo: () => rm(home, { recursive: true, force: true }) };
}

async function prepare({ id, name, bboxShiftPx, consent }: Order, videoFile: string): Promise<Manifest> {
  const videoPath = relative(ROOT, videoFile);
  const about = { id, name: name ?? id, bboxShiftPx, ...(consent && { consent }) };
  const entry = { ...about, preparation: true, videoPath, videoFile, audioClips: {} };
  const show = progressBar(`Preparing ${id}`);
  const manifest = await prepareAvatar(entry, join(ROOT, 'avatars'), show);
  show(1);
  return manifest;
}

function report({ id, name, bboxShiftPx }: Order, videoFile: string, { clips, report: found }: Manifest): string {
  const made = clips.map(
    (clip) => `${clip.name} (${clip.frameCount} frames${clip.isMirrored ? ', there and back' : ''})`,
  );
  return [
    `Prepared ${made.join(', ')}.`,
    formatReport(found),
    'Add this to configs/inference/realtime.yaml:',
    '',
    `${id}:`,
    ...(name === null ? [] : [`  name: ${JSON.stringify(name)}`]),
    '  preparation: true',
    `  bbox_shift: ${bboxShiftPx}`,
    `  video_path: ${JSON.stringify(relative(ROOT, videoFile).split(sep).join('/'))}`,
    '  audio_clips: {}',
    '',
  ].join('\n');
}
