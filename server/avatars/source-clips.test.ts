import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checksumOf, ownPortrait, sourceClips } from './source-clips.ts';

const folder = mkdtempSync(join(tmpdir(), 'source-clips-'));
after(() => rmSync(folder, { recursive: true }));

function entry(videoPath: string) {
  const videoFile = join(folder, videoPath);
  return { id: 'eva', name: 'Eva', preparation: true, bboxShiftPx: 0, videoPath, videoFile, audioClips: {} };
}

function put(...files: string[]): void {
  for (const file of files) {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), file);
  }
}

test('a folder of clips gives them by name, idle_0 first', async () => {
  put(
    'eva/speaking_0.mp4',
    'eva/action_10.mp4',
    'eva/action_2.webm',
    'eva/idle_1.mp4',
    'eva/idle_0.mp4',
    'eva/hello.wav',
  );
  const clips = await sourceClips(entry('eva'));
  assert.deepEqual(
    clips.map(({ name }) => name),
    ['idle_0', 'idle_1', 'speaking_0', 'action_2', 'action_10'],
  );
  assert.equal(clips[3].path, join(folder, 'eva/action_2.webm'));
});

test('a file, and a folder without clips, is the idle clip', async () => {
  put('person.mov', 'pictures/1.png');
  assert.deepEqual(await sourceClips(entry('person.mov')), [{ name: 'idle_0', path: join(folder, 'person.mov') }]);
  assert.deepEqual(await sourceClips(entry('pictures')), [{ name: 'idle_0', path: join(folder, 'pictures') }]);
});

test('a missing path, a folder without idle_0 and a doubled clip are told apart', async () => {
  put('restless/speaking_0.mp4', 'doubled/idle_0.mp4', 'doubled/idle_0.webm');
  const code = 'avatar_invalid';
  await assert.rejects(sourceClips(entry('nobody')), {
    code,
    message: /^Avatar eva: video_path nobody does not exist/,
  });
  await assert.rejects(sourceClips(entry('restless')), { code, message: /has speaking_0 but no idle_0/ });
  await assert.rejects(sourceClips(entry('doubled')), { code, message: /more than one idle_0/ });
});

test('the checksum follows the bytes of the clips and nothing else', async () => {
  put('sum/idle_0.mp4');
  const sum = async () => checksumOf(await sourceClips(entry('sum')));
  const before = await sum();
  put('sum/hello.wav', 'sum/prepared/idle_0.mp4');
  assert.equal(await sum(), before);
  writeFileSync(join(folder, 'sum/idle_0.mp4'), 'other');
  assert.notEqual(await sum(), before);
});

test('a picture called portrait is the avatar’s own portrait', async () => {
  put('own/portrait.jpg', 'other/still.png');
  assert.equal(await ownPortrait(join(folder, 'own')), join(folder, 'own/portrait.jpg'));
  assert.equal(await ownPortrait(join(folder, 'other')), null);
  assert.equal(await ownPortrait(join(folder, 'own/portrait.jpg')), null);
});
