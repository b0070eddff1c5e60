import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { type Frame, frameSizeBytes } from '../codecs/frame.ts';
import { readPictures } from '../codecs/media-file.ts';
import { writeVideo } from '../codecs/video-file-writer.ts';
import { CROP_MOUTH, CROP_MOUTH_WIDTH, FRAME_GEOMETRY as FIELD, GEOMETRY_SIZE } from './avatar.ts';
import { AvatarStore } from './avatar-store.ts';
import { prepareAvatar, preparedPath } from './preparation.ts';
import { writeManifest } from './prepared-files.ts';

const SAM = resolve(import.meta.dirname, '../../avatars/sam');
const FRAMES = 8;

const folder = mkdtempSync(join(tmpdir(), 'preparation-'));
const video = join(folder, 'sam.mp4');
const noise = join(folder, 'noise.mp4');
after(() => rmSync(folder, { recursive: true }));

before(async () => {
  const format = { widthPx: 512, heightPx: 512, framesPerSecond: 25, crf: 18 };
  await writeVideo(video, format, everyFourth(join(SAM, 'idle_0.mp4'), FRAMES));
  await writeVideo(noise, format, greyNoise(12));
});

/** Four times as fast as the clip, so that a few pictures show a movement. */
async function* everyFourth(path: string, count: number): AsyncGenerator<Frame> {
  let index = 0;
  for await (const frame of readPictures(path, { widthPx: 512, heightPx: 512, framesPerSecond: 25 })) {
    if (index % 4 === 0) yield frame;
    if (++index === 4 * count) return;
  }
}

function* greyNoise(count: number): Generator<Frame> {
  let seed = 1;
  for (let i = 0; i < count; i++) {
    const data = new Uint8Array(frameSizeBytes(512, 512)).fill(128);
    for (let j = 0; j < 512 * 512; j++) {
      seed = (seed * 16_807) % 2_147_483_647;
      data[j] = 16 + (seed % 220);
    }
    yield { widthPx: 512, heightPx: 512, data };
  }
}

function entry(id: string, videoFile = video) {
  return { id, name: 'Sam', preparation: true, bboxShiftPx: 0, videoPath: 'sam.mp4', videoFile, audioClips: {} };
}

test('an avatar is prepared at the first opening, loaded from there at the second, and prepared again when it changes', async () => {
  const shares: number[] = [];
  const options = { preparedFolder: folder, onProgress: (_: string, share: number) => shares.push(share) };
  const first = await AvatarStore.open([entry('sam')], options);
  assert.ok(shares.length > 2 && shares.every((share, i) => share >= (shares[i - 1] ?? 0)));
  assert.equal(shares.at(-1), 1);

  const [avatar] = first.list();
  const [clip] = avatar.clips;
  assert.equal(clip.name, 'idle_0');
  // Eight pictures of a longer movement do not close the loop, so they run there and back: 8 + 6.
  assert.equal(clip.frameCount, 14);
  const sizeBytes = frameSizeBytes(512, 512);
  const pictures = Buffer.from(clip.frames);
  assert.ok(pictures.subarray(sizeBytes, 2 * sizeBytes).equals(pictures.subarray(13 * sizeBytes)));
  assert.ok(!pictures.subarray(sizeBytes, 2 * sizeBytes).equals(pictures.subarray(2 * sizeBytes, 3 * sizeBytes)));
  assert.ok(existsSync(avatar.portraitPath));
  first.close();
  assert.throws(() => first.get('sam'), { code: 'avatar_not_found', message: 'Avatar sam not found' });

  shares.length = 0;
  const second = await AvatarStore.open([entry('sam')], options);
  assert.deepEqual(shares, []);
  assert.deepEqual(new Uint8Array(second.get('sam').clips[0].geometry), new Uint8Array(clip.geometry));

  const manifest = await prepareAvatar({ ...entry('sam'), bboxShiftPx: 4 }, folder);
  assert.equal(manifest.bboxShiftPx, 4);
});

test('the mouth of a demo avatar lies where every crop has it', async () => {
  const store = await AvatarStore.open([entry('mouth')], { preparedFolder: folder });
  const geometry = new Float32Array(store.get('mouth').clips[0].geometry);
  for (let frame = 0; frame < FRAMES; frame++) {
    const at = (field: number) => geometry[frame * GEOMETRY_SIZE + field];
    assert.ok(Math.abs(at(FIELD.RIGHT_U) - at(FIELD.LEFT_U) - CROP_MOUTH_WIDTH) < 2);
    assert.ok(Math.abs(at(FIELD.LINE_U) - CROP_MOUTH.u) < 1.5);
    assert.ok(Math.abs(at(FIELD.LINE_V) - CROP_MOUTH.v) < 3);
    assert.ok(at(FIELD.CHIN_V) > 85 && at(FIELD.CHIN_V) < 118);
    // Where the lips meet in the picture, measured by hand in frame 0: (254.8, 359.6).
    if (frame > 0) continue;
    const [a, b, tx, ty] = geometry;
    const [u, v] = [at(FIELD.LINE_U), at(FIELD.LINE_V)];
    assert.ok(Math.abs(a * u - b * v + tx - 254.8) < 2, `x ${a * u - b * v + tx}`);
    assert.ok(Math.abs(b * u + a * v + ty - 359.6) < 1, `y ${b * u + a * v + ty}`);
  }
});

test('a video without a face is refused with the avatar, the frame and what to check', async () => {
  await assert.rejects(prepareAvatar(entry('noise', noise), folder), {
    code: 'face_not_found',
    message:
      /^Avatar noise: no face found in idle_0, frame 0 \(0\.00 s\) of .*noise\.mp4\. Check the path, bbox_shift \(0\)/,
  });
  assert.deepEqual(readdirSync(join(folder, 'noise')), []);
});

test('a preparation that fails leaves the data of the one before in place', async () => {
  const before = await prepareAvatar(entry('kept'), folder);
  await assert.rejects(prepareAvatar(entry('kept', noise), folder), { code: 'face_not_found' });
  assert.deepEqual(await prepareAvatar({ ...entry('kept', noise), preparation: false }, folder), before);
});

test('what a killed preparation left is no avatar, and is removed by the next one', async () => {
  const leftover = `${preparedPath(folder, 'killed')}.0b5e`;
  mkdirSync(leftover, { recursive: true });
  writeFileSync(join(leftover, 'manifest.json'), '{"version": 1}');
  await assert.rejects(prepareAvatar({ ...entry('killed'), preparation: false }, folder), {
    code: 'avatar_invalid',
    message: /preparation is false, but .* holds no prepared data/,
  });
  await prepareAvatar(entry('killed'), folder);
  assert.deepEqual(readdirSync(join(folder, 'killed')), ['prepared']);
});

test('a preparation that is aborted ends at once and leaves nothing behind', async () => {
  const control = new AbortController();
  const begun = prepareAvatar(entry('aborted'), folder, () => control.abort(), control.signal);
  await assert.rejects(begun, { name: 'AbortError' });
  assert.deepEqual(readdirSync(join(folder, 'aborted')), []);
  await assert.rejects(
    prepareAvatar(entry('aborted'), folder, () => {}, AbortSignal.abort()),
    { name: 'AbortError' },
  );
});

test('who said that the person agrees is kept, also when the avatar is prepared again', async () => {
  const consent = { by: 'Sam', at: '2026-01-02T03:04:05.000Z' };
  assert.equal((await prepareAvatar(entry('asked'), folder)).consent, null);
  assert.deepEqual((await prepareAvatar({ ...entry('asked'), consent }, folder)).consent, consent);
  assert.deepEqual((await prepareAvatar({ ...entry('asked'), bboxShiftPx: 2 }, folder)).consent, consent);
});

test('damaged prepared data is made again, or told where nothing may be prepared', async () => {
  const whole = await prepareAvatar(entry('damaged'), folder);
  const geometry = join(preparedPath(folder, 'damaged'), 'idle_0.geometry');
  writeFileSync(geometry, 'short');
  await assert.rejects(AvatarStore.open([{ ...entry('damaged'), preparation: false }], { preparedFolder: folder }), {
    code: 'avatar_invalid',
    message: /should have 784 bytes, found 5\. Delete /,
  });
  assert.deepEqual((await prepareAvatar(entry('damaged'), folder)).files, whole.files);
  assert.equal(statSync(geometry).size, whole.files['idle_0.geometry'].sizeBytes);
});

test('what another version of the face models has found is found again', async () => {
  const now = await prepareAvatar(entry('models'), folder);
  await writeManifest(preparedPath(folder, 'models'), { ...now, faceModels: 'human 1.0.0' });
  let isPreparedAgain = false;
  const again = await prepareAvatar(entry('models'), folder, () => {
    isPreparedAgain = true;
  });
  assert.ok(isPreparedAgain);
  assert.deepEqual(again, now);
});

test('what another process is at is left alone', async () => {
  const begun = `${preparedPath(folder, 'both')}.${process.ppid}-0b5e`;
  mkdirSync(begun, { recursive: true });
  await prepareAvatar(entry('both'), folder);
  assert.deepEqual(readdirSync(join(folder, 'both')).sort(), ['prepared', basename(begun)].sort());
});

test('a new time stamp on the same bytes is no change', async () => {
  const before = await prepareAvatar(entry('touched'), folder);
  utimesSync(video, 1, 1);
  assert.deepEqual(await prepareAvatar(entry('touched'), folder, () => assert.fail('prepared again')), before);
});

test('a photo becomes a clip of 8 s that moves and ends where it begins', async () => {
  const photo = join(SAM, 'portrait.png');
  const manifest = await prepareAvatar(entry('photo', photo), folder);
  const { frameCount, fileFrames, isMirrored } = manifest.clips[0];
  assert.deepEqual({ frameCount, fileFrames, isMirrored }, { frameCount: 200, fileFrames: 200, isMirrored: false });
  const [avatar] = (await AvatarStore.open([entry('photo', photo)], { preparedFolder: folder })).list();
  const pictures = new Uint8Array(avatar.clips[0].frames);
  const sizeBytes = frameSizeBytes(512, 512);
  const difference = (a: number, b: number) => {
    let sum = 0;
    for (let i = 0; i < 512 * 512; i++) sum += Math.abs(pictures[a * sizeBytes + i] - pictures[b * sizeBytes + i]);
    return sum / (512 * 512);
  };
  const steps = Array.from({ length: 200 }, (_, i) => difference(i, (i + 1) % 200));
  const usual = steps.slice(0, -1).sort((a, b) => a - b);
  assert.ok(steps[199] <= 1.5 * usual[197], `seam ${steps[199]} against ${usual[197]} once in a hundred pictures`);
  assert.ok(difference(0, 60) > 0.5, 'somebody moves');
});
