import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import type { Avatar } from '../../avatars/avatar.ts';
import {
  FACE_VERSION,
  type FaceFrame,
  facePath,
  writeFaceClip,
  writeFaceManifest,
} from '../../avatars/musetalk/prepared-face.ts';
import { NARROW_FOLDER } from '../../testing/musetalk-narrow.ts';
import { plainAvatar } from '../embedded/test-avatar.ts';
import type { BoxPatch, Engine, MouthJob } from '../engine.ts';
import { createEngine, modelFiles, spec } from './musetalk.ts';

const FRAMES = 3;
const LATENT_SIZE = 8;
const folder = mkdtempSync(join(tmpdir(), 'musetalk-'));
after(() => rmSync(folder, { recursive: true }));

before(async () => {
  await prepare('anna', 1);
  await prepare('sam', 2);
});

function noise(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Writes what preparing would have: other latents, boxes and masks for each frame. */
async function prepare(id: string, seed: number, latentSize = LATENT_SIZE, checksum = `${seed}`): Promise<void> {
  const into = facePath(join(folder, id));
  mkdirSync(into, { recursive: true });
  const frames = Array.from({ length: FRAMES }, (_, i): FaceFrame => {
    const box = { left: 10 + i, top: 20, right: 50 + i, bottom: 70 + seed };
    const mask = new Uint8Array((box.right - box.left) * (box.bottom - box.top)).fill(10 * seed + i);
    return { box, mask, latents: noise(8 * latentSize ** 2, 100 * seed + i) };
  });
  await writeFaceClip(into, 'idle_0', frames);
  const clip = { name: 'idle_0', fileFrames: FRAMES, frameCount: 2 * FRAMES - 2 };
  const made = { models: {}, weights: 'random', maskedBy: 'landmarks', locatedBy: 'face-mesh' } as const;
  const files = { 'idle_0.boxes': { sizeBytes: 0, sha256: checksum } };
  await writeFaceManifest(into, { version: FACE_VERSION, source: '', latentSize, clips: [clip], files, ...made });
}

function avatar(id: string): Avatar {
  return { ...plainAvatar(id, 100), folder: join(folder, id) };
}

function settings(modelsFolder: string = NARROW_FOLDER) {
  return { musetalk: { modelsFolder, executionProviders: ['cpu'], threads: 1, remoteUrl: null } } as const;
}

async function open(t: TestContext, modelsFolder?: string): Promise<Engine> {
  const engine = await createEngine(settings(modelsFolder));
  t.after(() => engine.close());
  await engine.addAvatar(avatar('anna'));
  await engine.addAvatar(avatar('sam'));
  return engine;
}

function job(change: Partial<MouthJob> = {}): MouthJob {
  const names = { sessionId: 's', avatarId: 'anna', clipName: 'idle_0' };
  return { ...names, generation: 0, frame: 0, clipFrame: 0, features: noise(48_000, 3), ...change };
}

/** Patches are borrowed until the next call. */
async function draw(engine: Engine, ...jobs: MouthJob[]): Promise<BoxPatch[]> {
  return (await engine.infer(jobs)).map((patch) => {
    assert.ok(patch?.kind === 'box');
    return { ...patch, picture: patch.picture.slice() };
  });
}

/** Mean difference of two pictures in levels. */
function difference(a: BoxPatch, b: BoxPatch): number {
  return a.picture.reduce((sum, value, i) => sum + Math.abs(value - b.picture[i]), 0) / a.picture.length;
}

test('a mouth is drawn into the box of the frame that it belongs to', async (t) => {
  const engine = await open(t);
  assert.equal(job().features.length, (spec.features.historyMs + 40 + spec.features.lookAheadMs) * 16);
  const [first, last, wrapped] = await draw(engine, job(), job({ clipFrame: 2 }), job({ clipFrame: 3 }));
  assert.equal(first.sizePx, 64);
  assert.equal(first.picture.length, 64 * 64 * 3);
  assert.deepEqual(first.box, { left: 10, top: 20, right: 50, bottom: 71 });
  assert.equal(last.box.left, 12);
  assert.equal(last.mask[0], 12);
  // The loop plays 0 1 2 1, so its fourth frame is the second of the file.
  assert.equal(wrapped.box.left, 11);
  assert.ok(difference(first, last) > 0.1);
});

test('each mouth of a batch is the one that it would be alone, whatever sessions and avatars the others are of', async (t) => {
  const engine = await open(t);
  const jobs = [
    job({ sessionId: 'a' }),
    job({ sessionId: 'b', avatarId: 'sam', features: noise(48_000, 4) }),
    job({ sessionId: 'c', clipFrame: 1, features: noise(48_000, 5) }),
  ];
  const together = await draw(engine, ...jobs);
  for (const [i, each] of jobs.entries()) {
    const [alone] = await draw(engine, { ...each, generation: 1 });
    assert.ok(difference(together[i], alone) < 0.01, `job ${i}`);
    assert.deepEqual(together[i].box, alone.box);
  }
  assert.ok(difference(together[0], together[1]) > 0.1);
});

test('what is heard changes the mouth', async (t) => {
  const engine = await open(t);
  const [noisy] = await draw(engine, job());
  const [silent] = await draw(engine, job({ sessionId: 'other', features: new Float32Array(48_000) }));
  assert.ok(difference(noisy, silent) > 0.01);
});

test('the graphs apart draw what they draw in one', async (t) => {
  const apart = join(folder, 'apart');
  cpSync(NARROW_FOLDER, apart, { recursive: true });
  rmSync(join(apart, 'unet-decoder.onnx'));
  const [fused] = await draw(await open(t), job());
  const [two] = await draw(await open(t, apart), job());
  assert.ok(difference(fused, two) < 0.01);
  assert.deepEqual(
    modelFiles(settings(apart)).map((path) => path.slice(apart.length + 1)),
    ['whisper-encoder.onnx', 'unet.onnx', 'vae-decoder.onnx', 'vae-encoder.onnx'],
  );
  assert.deepEqual(
    modelFiles(settings()).map((path) => path.slice(NARROW_FOLDER.length + 1)),
    ['whisper-encoder.onnx', 'unet-decoder.onnx', 'vae-encoder.onnx'],
  );
});

test('the small decoder draws when it is asked for', async (t) => {
  const fast = { musetalk: { ...settings().musetalk, decoder: 'fast' } } as const;
  const engine = await createEngine(fast);
  t.after(() => engine.close());
  await engine.addAvatar(avatar('anna'));
  const [first] = await draw(engine, job());
  assert.equal(first.picture.length, 64 * 64 * 3);
  const [exact] = await draw(await open(t), job());
  assert.ok(difference(first, exact) > 1, 'another decoder');
  assert.deepEqual(
    modelFiles(fast).map((path) => path.slice(NARROW_FOLDER.length + 1)),
    ['whisper-encoder.onnx', 'unet.onnx', 'fast-decoder.onnx', 'vae-encoder.onnx'],
  );
});

test('an avatar that was not prepared keeps its mouth closed, and the others speak on', async (t) => {
  const engine = await open(t);
  const warnings: string[] = [];
  const listen = ({ message }: Error) => warnings.push(message);
  process.on('warning', listen);
  t.after(() => process.off('warning', listen));
  await prepare('large', 3, 32);
  await engine.addAvatar(avatar('nobody'));
  await engine.addAvatar(avatar('large'));
  const patches = await engine.infer([
    job(),
    job({ avatarId: 'nobody' }),
    job({ avatarId: 'large' }),
    job({ clipName: 'action_1' }),
  ]);
  assert.deepEqual(
    patches.map((patch) => patch?.kind ?? null),
    ['box', null, null, null],
  );
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(warnings[0], /avatar nobody has no data for MuseTalk in .*; its mouth stays closed/);
  assert.match(warnings[1], /latents of 32, the UNet wants 8/);
});

test('an avatar that is added again is read again if its data is other data', async (t) => {
  const engine = await open(t);
  await prepare('eve', 4);
  await engine.addAvatar(avatar('eve'));
  const left = async () => (await draw(engine, job({ avatarId: 'eve' })))[0].mask[0];
  assert.equal(await left(), 40);
  await prepare('eve', 5, LATENT_SIZE, '4');
  await engine.addAvatar(avatar('eve'));
  assert.equal(await left(), 40, 'by its checksums it is the same');
  await prepare('eve', 5);
  await engine.addAvatar(avatar('eve'));
  assert.equal(await left(), 50);
});

test('an avatar that nobody added, or that was removed, fails its batch', async (t) => {
  const engine = await open(t);
  await assert.rejects(engine.infer([job({ avatarId: 'nobody' })]), { code: 'avatar_not_found' });
  engine.removeAvatar('anna');
  await assert.rejects(engine.infer([job()]), { code: 'avatar_not_found' });
  await assert.rejects(
    engine.infer(Array.from({ length: 17 }, () => job({ avatarId: 'sam' }))),
    /at most 16 jobs, got 17/,
  );
});

test('it warms up for any batch, and forgets it', async (t) => {
  const engine = await open(t);
  const [before] = await draw(engine, job());
  for (const count of [1, 3, 16]) await engine.warmUp?.(count);
  const [after] = await draw(engine, job({ frame: 5 }));
  assert.equal(difference(before, after), 0);
});
