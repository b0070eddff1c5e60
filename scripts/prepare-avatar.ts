import { cp, mkdir, rm, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { AvatarRefused, formatReport } from '../server/avatars/avatar-report.ts';
import { prepareAvatar } from '../server/avatars/preparation.ts';
import type { Manifest } from '../server/avatars/prepared-files.ts';
import { AppError } from '../server/errors.ts';
import { progressBar } from '../server/progress-bar.ts';

// Brings a video, an image or a folder into avatars/<id>/, prepares it and says what to write into the configuration.

const USAGE =
  'npm run prepare-avatar -- <video, image or folder> --id name [--name "What people read"] [--bbox-shift=pixels]';
const ROOT = resolve(import.meta.dirname, '..');
const ID = /^[A-Za-z0-9_-]{1,64}$/;

interface Order {
  /** Absolute. */
  readonly source: string;
  readonly id: string;
  /** Null: made from the id. */
  readonly name: string | null;
  readonly bboxShiftPx: number;
}

try {
  const order = readOrder(process.argv.slice(2));
  const { videoFile, undo } = await bringIn(order);
  try {
    const manifest = await prepare(order, videoFile);
    process.stdout.write(report(order, videoFile, manifest));
  } catch (error) {
    await undo();
    throw error;
  }
} catch (error) {
  // One line for what can be put right by whoever typed the command, everything for what cannot.
  console.error(error instanceof AppError ? error.message : error);
  if (error instanceof AvatarRefused) console.error(formatReport(error.report));
  process.exitCode = 1;
}

/** @throws {AppError} `bad_message` for arguments that make no sense. */
function readOrder(args: string[]): Order {
  const { values, positionals } = parsed(args);
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

/**
 * Copies the source into avatars/<id>/, unless it lies there already.
 *
 * @returns Where it is now, and a way to take the copy back.
 */
async function bringIn({ source, id }: Order): Promise<{ videoFile: string; undo: () => Promise<void> }> {
  const home = join(ROOT, 'avatars', id);
  const entry = await stat(source).catch(() => null);
  if (!entry) throw new AppError('avatar_invalid', `${source} does not exist. Give a video, an image or a folder.`);
  if (source === home || source.startsWith(home + sep)) return { videoFile: source, undo: async () => {} };
  if (await stat(home).catch(() => null)) {
    throw new AppError(
      'avatar_invalid',
      `avatars/${id} exists already. Choose another --id, remove it, or give what lies in it.`,
    );
  }
  const videoFile = entry.isDirectory() ? home : join(home, basename(source));
  await mkdir(home, { recursive: true });
  await cp(source, videoFile, { recursive: true });
  return { videoFile, undo: () => rm(home, { recursive: true, force: true }) };
}

async function prepare({ id, name, bboxShiftPx }: Order, videoFile: string): Promise<Manifest> {
  const videoPath = relative(ROOT, videoFile);
  const entry = { id, name: name ?? id, preparation: true, bboxShiftPx, videoPath, videoFile, audioClips: {} };
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
