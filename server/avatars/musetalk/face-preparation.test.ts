import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import type { Frame } from '../../codecs/frame.ts';
import { readPictures } from '../../codecs/media-file.ts';
import { writeVideo } from '../../codecs/video-file-writer.ts';
import { flatPicture } from '../../testing/moving-picture.ts';
import { NARROW_FOLDER } from '../../testing/musetalk-narrow.ts';
import { type Manifest, PREPARATION_VERSION } from '../prepared-files.ts';
import { FacePreparation } from './face-preparation.ts';
import { facePath, PreparedFace, readFaceManifest } from './prepared-face.ts';

const SAM = resolve(import.meta.dirname, '../../../avatars/sam/idle_0.mp4');
const FORMAT = { widthPx: 512, heightPx: 512, framesPerSecond: 25 };
const FRAMES = 5;
const MODELS = { modelsFolder: NARROW_FOLDER, executionProviders: ['cpu'], threads: 1, remoteUrl: null } as const;

const folder = mkdtempSync(join(tmpdir(), 'faces-'));
const prepared = join(folder, 'prepared');
after(() => rmSync(folder, { recursive: true }));

before(async () => {
  mkdirSync(prepared);
  await writeVideo(join(prepared, 'idle_0.mp4'), { ...FORMAT, crf: 18 }, everyFourth(FRAMES));
  await writeVideo(join(prepared, 'hidden.mp4'), { ...FORMAT, crf: 18 }, thenNothing());
  await writeVideo(join(prepared, 'grey.mp4'), { ...FORMAT, crf: 18 }, nothing(3));
});

async function* everyFourth(count: number): AsyncGenerator<Frame> {
  let index = 0;
  for await (const frame of readPictures(SAM, FORMAT)) {
    if (index % 4 === 0) yield frame;
    if (++index === 4 * count) return;
  }
}

function* nothing(count: number): Generator<Frame> {
  for (let i = 0; i < count; i++) yield flatPicture(100, 128, 128, 512, 512);
}

async function* thenNothing(): AsyncGenerator<Frame> {
  yield* everyFourth(2);
  yield* nothing(8);
}

function manifest(name: string, fileFrames: number, frameCount = fileFrames): Manifest {
  return {
    version: PREPARATION_VERSION,
    source: 'abc',
    bboxShiftPx: 0,
    faceModels: 'test',
    sizePx: 512,
    framesPerSecond: 25,
    faceCount: 1,
    portrait: 'portrait.png',
    clips: [
      { name, file: `${name}.mp4`, fileFrames, frameCount, isMirrored: frameCount > fileFrames },
      { name: 'action_1', file: 'nowhere.mp4', fileFrames: 9, frameCount: 9, isMirrored: false },
    ],
    report: { level: 'ok', findings: [] },
    consent: null,
    files: {},
  };
}

const times = () => readdirSync(facePath(prepared)).map((name) => statSync(join(facePath(prepared), name)).mtimeMs);

test('every picture of a clip gets a box around its face, latents and a mask; a second time nothing is done', async () => {
  const shares: number[] = [];
  const preparation = new FacePreparation(MODELS);
  // Plays 0 1 2 3 4 3 2 1.
  const avatar = manifest('idle_0', FRAMES, 8);
  const made = await preparation.prepare('sam', prepared, avatar, (share) => shares.push(share));
  assert.equal(shares.at(-1), 1);
  assert.deepEqual(
    [made.weights, made.maskedBy, made.locatedBy, made.latentSize],
    ['random', 'landmarks', 'face-mesh', 8],
  );
  assert.deepEqual(
    made.clips.map(({ name }) => name),
    ['idle_0'],
    'nobody speaks in actions',
  );
  const face = await PreparedFace.read(facePath(prepared), made.clips[0], made);
  for (let frame = 0; frame < 8; frame++) {
    const { box, latents, mask } = face.at(frame);
    // His face is some 250 pixels wide and 350 high, in the middle.
    assert.ok(box.left > 100 && box.left < 150 && box.right > 360 && box.right < 410, JSON.stringify(box));
    assert.ok(box.top > 80 && box.top < 130 && box.bottom > 430 && box.bottom < 480, JSON.stringify(box));
    assert.equal(mask.length, (box.right - box.left) * (box.bottom - box.top));
    assert.equal(mask[0], 0, 'the forehead stays');
    const mouth = Math.round((360 - box.top) * (box.right - box.left) + (256 - box.left));
    assert.equal(mask[mouth], 255, 'the mouth is drawn');
    assert.equal(latents.length, 8 * 8 * 8);
    assert.ok(latents.every(Number.isFinite));
    const [masked, whole] = [latents.subarray(0, 256), latents.subarray(256)];
    assert.notDeepEqual(masked, whole);
  }
  assert.equal(face.at(6), face.at(2));
  assert.equal(face.at(9), face.at(1));
  assert.notEqual(face.at(3), face.at(2));

  const before = times();
  await preparation.prepare('sam', prepared, avatar, () => assert.fail('nothing is to do'));
  assert.deepEqual(times(), before);
});

test('what belongs to another source or other models, or is damaged, is made again', async () => {
  const preparation = new FacePreparation(MODELS);
  const avatar = manifest('idle_0', 2);
  const isMadeAgain = async (by: FacePreparation, changed: Manifest) => {
    let isMade = false;
    await by.prepare('sam', prepared, changed, () => {
      isMade = true;
    });
    return isMade;
  };
  assert.equal(await isMadeAgain(preparation, { ...avatar, source: 'first' }), true);
  assert.equal(await isMadeAgain(preparation, { ...avatar, source: 'first' }), false);
  assert.equal(await isMadeAgain(preparation, { ...avatar, source: 'second' }), true);

  writeFileSync(join(facePath(prepared), 'idle_0.latents'), new Uint8Array(7));
  assert.equal(await isMadeAgain(preparation, { ...avatar, source: 'second' }), true);

  const other = join(folder, 'models');
  cpSync(NARROW_FOLDER, other, { recursive: true });
  rmSync(join(other, 'face-parsing.onnx'));
  assert.equal(
    await isMadeAgain(new FacePreparation({ ...MODELS, modelsFolder: other }), { ...avatar, source: 'second' }),
    true,
  );
});

test('a face that is hidden for the rest of a clip stays where it was, and the list as long as the clip', async () => {
  const made = await new FacePreparation(MODELS).prepare('sam', prepared, {
    ...manifest('hidden', 10),
    source: 'hidden',
  });
  const face = await PreparedFace.read(facePath(prepared), made.clips[0], made);
  assert.deepEqual(face.at(9).box, face.at(1).box);
  assert.notDeepEqual(face.at(1).latents, face.at(9).latents);
});

test('a clip without any face is refused, and leaves what was there', async () => {
  const preparation = new FacePreparation(MODELS);
  await preparation.prepare('sam', prepared, manifest('idle_0', 2));
  const before = times();
  await assert.rejects(preparation.prepare('sam', prepared, { ...manifest('grey', 3), source: 'grey' }), {
    code: 'face_not_found',
    message: /Avatar sam: no face found in frame 0 of grey/,
  });
  assert.deepEqual(times(), before);
  assert.deepEqual(
    readdirSync(prepared).filter((name) => name.startsWith('musetalk')),
    ['musetalk'],
  );
});

test('models that are not there are named', async () => {
  const preparation = new FacePreparation({ ...MODELS, modelsFolder: '/no/such/folder' });
  await assert.rejects(preparation.prepare('sam', prepared, manifest('idle_0', 2)), {
    code: 'model_missing',
    message: /\/no\/such\/folder\/vae-encoder.onnx/,
  });
});

test('data of a clip that is cut short is refused', async () => {
  const made = await new FacePreparation(MODELS).prepare('sam', prepared, { ...manifest('idle_0', 2), source: 'cut' });
  writeFileSync(join(facePath(prepared), 'idle_0.masks'), new Uint8Array(3));
  await assert.rejects(PreparedFace.read(facePath(prepared), made.clips[0], made), { code: 'avatar_invalid' });
  assert.equal((await readFaceManifest(facePath(prepared)))?.source, 'cut');
  writeFileSync(join(facePath(prepared), 'manifest.json'), '{"version": 0}');
  assert.equal(await readFaceManifest(facePath(prepared)), null);
});
