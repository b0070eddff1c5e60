import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readAvatarsFile } from './avatars-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'avatars-file-'));
const path = join(folder, 'realtime.yaml');
after(() => rmSync(folder, { recursive: true }));

function read(text: string) {
  writeFileSync(path, text);
  return readAvatarsFile(path, '/base');
}

function problems(text: string): string[] {
  let lines: string[] = [];
  assert.throws(
    () => read(text),
    (error: Error) => {
      lines = error.message.split('\n').map((line) => line.trim());
      return true;
    },
  );
  return lines.slice(1);
}

test('a file as the MuseTalk documentation shows it is read in its order', () => {
  const avatars = read(`
avatar_1:
  preparation: True  # Set to True for first-time setup
  bbox_shift: 5
  video_path: "data/video/person1.mp4"
  audio_clips:
    audio_0: "data/audio/sample1.wav"

avatar_2:
  preparation: False
  bbox_shift: -7
  video_path: "/data/person2"
`);
  assert.deepEqual(avatars, [
    {
      id: 'avatar_1',
      name: 'Avatar 1',
      preparation: true,
      bboxShiftPx: 5,
      videoPath: 'data/video/person1.mp4',
      videoFile: '/base/data/video/person1.mp4',
      audioClips: { audio_0: '/base/data/audio/sample1.wav' },
    },
    {
      id: 'avatar_2',
      name: 'Avatar 2',
      preparation: false,
      bboxShiftPx: -7,
      videoPath: '/data/person2',
      videoFile: '/data/person2',
      audioClips: {},
    },
  ]);
});

test('a name in the file is what people read', () => {
  assert.equal(read('a: {video_path: v.mp4, name: Ada Lovelace}')[0].name, 'Ada Lovelace');
});

test('all mistakes of all avatars are told together', () => {
  assert.deepEqual(
    problems(`
a b: {video_path: v.mp4}
anna: {preparation: maybe, bbox_shift: 1.5, video_path: 3, audio_clips: {hello: 7, "../x": y.wav}, bbox: 1}
bert: {}
carl: hello
`),
    [
      'the file: the name "a b" must match ^[A-Za-z0-9_-]{1,64}$',
      'anna.preparation must be true or false, got "maybe" (default: true)',
      'anna.bbox_shift must be a whole number from -256 to 256, got 1.5 (default: 0)',
      'anna.video_path must be the path of a video, an image or an image folder, got 3',
      'anna.audio_clips.hello must be the path of a wav file, got 7',
      'anna.audio_clips: the name "../x" must match ^[A-Za-z0-9_-]{1,64}$',
      'anna.bbox is not a setting; did you mean bbox_shift?',
      'bert.video_path is missing; it must be the path of a video, an image or an image folder',
      'carl must hold names with values, got "hello"',
    ],
  );
});

test('a file without avatars is refused with an example of one', () => {
  assert.match(problems('')[0], /must hold one key per avatar, got none/);
  assert.match(problems('- a')[0], /the file must be one key per avatar, got \[ 'a' \]/);
});

test('an avatar called __proto__ is an avatar and nothing else', () => {
  const avatars = read('__proto__: {video_path: v.mp4}');
  assert.equal(avatars[0].id, '__proto__');
  assert.equal(({} as { video_path?: string }).video_path, undefined);
});
