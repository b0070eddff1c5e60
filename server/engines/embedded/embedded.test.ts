import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Engine, MouthJob } from '../engine.ts';
import { createEngine, spec } from './embedded.ts';
import { silence, vowel, windowsOf } from './synthetic-voice.ts';
import { plainAvatar } from './test-avatar.ts';

const speech = windowsOf(silence(400), vowel('ah', 400));

const opened: Engine[] = [];
after(async () => {
  for (const engine of opened) await engine.close();
});

async function withAvatar(): Promise<Engine> {
  const engine = await createEngine();
  opened.push(engine);
  await engine.addAvatar(plainAvatar('anna', 170));
  return engine;
}

function job(features: Float32Array, changes: Partial<MouthJob> = {}): MouthJob {
  const names = { sessionId: 'one', avatarId: 'anna', clipName: 'idle_0' };
  return { ...names, generation: 0, frame: 4, clipFrame: 4, features, ...changes };
}

test('a silent session gets no patches, a speaking one does', async () => {
  const engine = await withAvatar();
  const moved: boolean[] = [];
  for (const window of speech) moved.push((await engine.infer([job(window)]))[0] !== null);
  assert.equal(moved.slice(0, 8).includes(true), false);
  assert.equal(moved.slice(11).includes(false), false);
});

test('sessions that take turns do not hear each other', async () => {
  const engine = await withAvatar();
  for (const window of speech.slice(0, -1)) {
    await engine.infer([job(window)]);
    await engine.infer([job(window, { sessionId: 'two' })]);
  }
  // Patches are borrowed until the next call.
  const jawOf = async (mouth: MouthJob) => (await engine.infer([mouth]))[0]?.parameters?.[0] ?? Number.NaN;
  const one = await jawOf(job(speech.at(-1)!));
  const two = await jawOf(job(windowsOf(silence(200))[0], { sessionId: 'two' }));
  assert.ok(one > two, `${one} ${two}`);
  await assert.rejects(engine.infer([job(speech[0]), job(speech[0])]), RangeError);
});

test('a session that ended is forgotten', async () => {
  const engine = await withAvatar();
  for (const window of speech) await engine.infer([job(window)]);
  engine.endSession('one');
  assert.deepEqual(await engine.infer([job(windowsOf(silence(200))[0])]), [null]);
});

test('unknown avatars and clips are refused', async () => {
  const engine = await withAvatar();
  await assert.rejects(engine.infer([job(speech[0], { avatarId: 'bob' })]), { code: 'avatar_not_found' });
  await assert.rejects(engine.infer([job(speech[0], { clipName: 'dance' })]), { code: 'clip_not_found' });
  await engine.close();
  await assert.rejects(engine.infer([job(speech[0])]), { code: 'avatar_not_found' });
});

test('more jobs than a batch takes are refused', async () => {
  const engine = await withAvatar();
  await assert.rejects(engine.infer(Array(spec.maxBatch + 1).fill(job(speech[0]))), RangeError);
});
