import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join, parse } from 'node:path';
import { AppError } from '../errors.ts';

/** Who says that the person shown agrees to become an avatar. */
export interface Consent {
  /** As they call themselves. */
  readonly by: string;
  /** When they said so, ISO 8601. */
  readonly at: string;
}

/** One avatar as configured. */
export interface AvatarEntry {
  /** `[A-Za-z0-9_-]{1,64}` */
  readonly id: string;
  /** What people read. */
  readonly name: string;
  /** False: use what was prepared before, even if the source or a setting has changed since. */
  readonly preparation: boolean;
  /** Moves the mouth crop over the face, down if positive, in pixels of the source. */
  readonly bboxShiftPx: number;
  /** As configured; shown to clients as `video_path`. */
  readonly videoPath: string;
  /** Absolute path of a video, an image, a folder of images, or a folder of clips `idle_0.mp4`, `speaking_0.mp4`, … */
  readonly videoFile: string;
  /** Sample speech: name → absolute path of a wav file. */
  readonly audioClips: Readonly<Record<string, string>>;
  /** Kept with the prepared data; none if left out. */
  readonly consent?: Consent;
}

/** Where one clip comes from. */
export interface SourceClip {
  /** `idle_N`, `speaking_N` or `action_N`. */
  readonly name: string;
  /** Absolute path of a video, an image or a folder of images. */
  readonly path: string;
}

const CLIP_NAME = /^(idle|speaking|action)_\d+$/;
const VIDEO_EXTENSIONS = new Set(['.mp4', '.mov', '.webm', '.mkv', '.avi', '.gif']);
/** The still picture of a folder of clips. */
const PORTRAIT = /^portrait\.(png|jpe?g)$/i;

/**
 * Lists the clips of an avatar: those that its folder names, or the whole source as `idle_0`.
 *
 * @returns `idle_0` first, the others by name.
 * @throws {AppError} `avatar_invalid` if there is nothing at the path, or a folder of clips has no `idle_0`.
 */
export async function sourceClips({ id, videoFile, videoPath }: AvatarEntry): Promise<SourceClip[]> {
  const entry = await stat(videoFile).catch(() => null);
  if (!entry) {
    throw new AppError(
      'avatar_invalid',
      `Avatar ${id}: video_path ${videoPath} does not exist (looked for ${videoFile}). Give a video, an image, a folder of images or a folder of clips.`,
    );
  }
  if (!entry.isDirectory()) return [{ name: 'idle_0', path: videoFile }];
  const clips = (await readdir(videoFile))
    .filter((file) => VIDEO_EXTENSIONS.has(extname(file).toLowerCase()) && CLIP_NAME.test(parse(file).name))
    .map((file) => ({ name: parse(file).name, path: join(videoFile, file) }))
    .sort((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name, 'en', { numeric: true }));
  if (clips.length === 0) return [{ name: 'idle_0', path: videoFile }];
  if (clips[0].name !== 'idle_0') {
    throw new AppError(
      'avatar_invalid',
      `Avatar ${id}: the folder ${videoPath} has ${clips.map(({ name }) => name).join(', ')} but no idle_0. Add idle_0.mp4, what is seen while nothing is said.`,
    );
  }
  const doubled = clips.find(({ name }, i) => clips.slice(0, i).some((other) => other.name === name));
  if (doubled) {
    throw new AppError(
      'avatar_invalid',
      `Avatar ${id}: the folder ${videoPath} has more than one ${doubled.name}. Leave one.`,
    );
  }
  return clips;
}

/** @returns Absolute path of the still picture that a folder of clips brings along; null if it has none. */
export async function ownPortrait(videoFile: string): Promise<string | null> {
  const files = await readdir(videoFile).catch(() => []);
  const name = files.find((file) => PORTRAIT.test(file));
  return name ? join(videoFile, name) : null;
}

/** SHA-256 in hex over names and bytes of all files that an avatar is made of. */
export async function checksumOf(clips: readonly SourceClip[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { name, path } of clips) {
    for (const file of await filesOf(path)) {
      hash.update(`${name}/${parse(file).base}\n`);
      for await (const bytes of createReadStream(file)) hash.update(bytes);
    }
  }
  return hash.digest('hex');
}

async function filesOf(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(path, entry.name))
    .sort();
}

function rank(name: string): number {
  return ['idle', 'speaking', 'action'].indexOf(name.slice(0, name.indexOf('_')));
}
