import { resolve } from 'node:path';
import { type Mistake, mapOf, nullOr, section, text, type ValueOf, wholeNumber, yesOrNo } from './rule.ts';
import { configInvalid, readYamlFile } from './yaml-file.ts';

/** What an avatar or clip may be called. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

const AVATAR = section({
  name: nullOr(text('a text')),
  preparation: yesOrNo(true),
  bboxShift: wholeNumber(-256, 256, 0),
  videoPath: text('the path of a video, an image or an image folder'),
  audioClips: mapOf('names with paths of wav files', NAME, text('the path of a wav file')),
});
const AVATARS = mapOf('one key per avatar', NAME, AVATAR);

/** One avatar as configured. */
export interface AvatarSettings {
  /** Key in the file, `[A-Za-z0-9_-]{1,64}`. */
  readonly id: string;
  /** What people read: `avatar_1` is "Avatar 1" unless the file says otherwise. */
  readonly name: string;
  /** Whether to prepare the avatar again although prepared data exists. */
  readonly preparation: boolean;
  /** Moves the lower edge of the face box down (positive) or up, in pixels of the source video. */
  readonly bboxShiftPx: number;
  /** As written in the file; shown to clients as `video_path`. */
  readonly videoPath: string;
  /** Absolute path of the video, image or image folder. */
  readonly videoFile: string;
  /** Sample speech: name → absolute path of a wav file. */
  readonly audioClips: Readonly<Record<string, string>>;
}

/**
 * Reads the avatars in the order of the file (`configs/inference/realtime.yaml`).
 *
 * @param baseFolder Absolute; relative paths in the file start here.
 * @throws {AppError} `config_invalid` with all mistakes of the file.
 */
export function readAvatarsFile(path: string, baseFolder: string): AvatarSettings[] {
  const mistakes: Mistake[] = [];
  const read = readAvatars(readYamlFile(path), mistakes);
  if (mistakes.length > 0) throw configInvalid(path, mistakes);
  return read.map(([id, avatar]) => ({
    id,
    name: avatar.name ?? nameOf(id),
    preparation: avatar.preparation,
    bboxShiftPx: avatar.bboxShift,
    videoPath: avatar.videoPath,
    videoFile: resolve(baseFolder, avatar.videoPath),
    audioClips: Object.fromEntries(
      Object.entries(avatar.audioClips).map(([name, clip]) => [name, resolve(baseFolder, clip)]),
    ),
  }));
}

function readAvatars(value: unknown, mistakes: Mistake[]): [string, ValueOf<typeof AVATAR>][] {
  const avatars = Object.entries(AVATARS.read(value, '', mistakes) ?? {});
  if (avatars.length === 0 && mistakes.length === 0) {
    mistakes.push('the file must hold one key per avatar, got none; `avatar_1: {video_path: person.mp4}` is enough');
  }
  return avatars;
}

/** `avatar_1` → `Avatar 1`. */
function nameOf(id: string): string {
  const words = id.replace(/[_-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1) || id;
}
