import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { MOUTH_PARAMETERS } from '../engine.ts';
import { hiss, noise, silence, vowel, vowelAndM, windowsOf } from './synthetic-voice.ts';
import { VoiceNetwork } from './voice-network.ts';
import { VoiceToMouth } from './voice-to-mouth.ts';

const network = await VoiceNetwork.open();
after(() => network.close());

const FRAME_MS = 40;

interface Row extends Record<(typeof MOUTH_PARAMETERS)[number], number> {
  readonly isMoving: boolean;
}

async function follow(windows: readonly Float32Array[], voice = new VoiceToMouth(network)): Promise<Row[]> {
  const rows: Row[] = [];
  for (const window of windows) {
    const out = new Float32Array(MOUTH_PARAMETERS.length);
    const isMoving = await voice.step(window, 0, out);
    const named = Object.fromEntries(MOUTH_PARAMETERS.map((name, p) => [name, out[p]]));
    rows.push({ ...(named as Record<(typeof MOUTH_PARAMETERS)[number], number>), isMoving });
  }
  return rows;
}

function mean(rows: readonly Row[], name: (typeof MOUTH_PARAMETERS)[number]): number {
  return rows.reduce((sum, row) => sum + row[name], 0) / rows.length;
}

test('digital silence leaves the mouth at rest', async () => {
  assert.ok((await follow(windowsOf(silence(1000)))).every((row) => !row.isMoving && row.jaw === 0 && row.press === 0));
});

for (const [name, slope] of [
  ['white', 0],
  ['falling', 0.6],
  ['rumbling', 1],
] as const) {
  for (const levelDb of [-60, -45, -30]) {
    test(`steady ${name} noise at ${levelDb} dB leaves the mouth at rest, also when it begins suddenly`, async () => {
      const rows = await follow(windowsOf(silence(400), noise(3000, levelDb, slope)));
      assert.ok(rows.every((row) => !row.isMoving));
    });
  }
}

test('the mouth is open within 80 ms of a vowel', async () => {
  const startMs = 600;
  const rows = await follow(windowsOf(silence(startMs), vowel('ah', 400)));
  assert.ok(rows[(startMs + 80) / FRAME_MS].jaw > 0.3);
});

test('the mouth rests within 300 ms of silence', async () => {
  const endMs = 1000;
  const rows = await follow(windowsOf(silence(600), vowel('ah', 400), silence(800)));
  assert.ok(rows[endMs / FRAME_MS - 2].isMoving);
  assert.ok(rows.slice((endMs + 300) / FRAME_MS).every((row) => !row.isMoving));
});

test('the mouth rests within 300 ms when a voice gives way to room noise', async () => {
  const room = noise(2400, -55, 0.6);
  room.set(
    vowel('ah', 400).map((value, n) => value + room[n + 16 * 600]),
    16 * 600,
  );
  const rows = await follow(windowsOf(room));
  assert.ok(rows.slice(16, 24).every((row) => row.jaw > 0.2));
  assert.ok(rows.slice(Math.ceil(1300 / FRAME_MS)).every((row) => !row.isMoving));
});

test('a voice 20 dB softer opens the mouth as well', async () => {
  const rows = await follow(windowsOf(silence(600), vowel('ah', 1000, -40)));
  assert.ok(mean(rows.slice(20, 35), 'jaw') > 0.25);
});

test('ah opens the jaw more than ee and oo, ee spreads the lips, oo rounds them', async () => {
  // After another vowel: a voice that only ever says one could be anybody's.
  const say = async (name: 'ah' | 'ee' | 'oo') =>
    (await follow(windowsOf(silence(400), vowel(name === 'ah' ? 'ee' : 'ah', 300), vowel(name, 800)))).slice(21, 34);
  const [ah, ee, oo] = [await say('ah'), await say('ee'), await say('oo')];
  assert.ok(mean(ah, 'jaw') > 2 * mean(ee, 'jaw') && mean(ah, 'jaw') > 2 * mean(oo, 'jaw'));
  assert.ok(mean(ee, 'spread') > 0.15 && mean(oo, 'spread') < 0.05);
  assert.ok(mean(oo, 'round') > 0.4 && mean(ee, 'round') < 0.2);
});

test('s parts the lips but hardly the jaw', async () => {
  const rows = await follow(windowsOf(silence(400), vowel('ah', 400), hiss(200, -30), vowel('ah', 300)));
  const during = rows.slice(21, 24);
  assert.ok(mean(during, 'jaw') < 0.15 && mean(during, 'lower') > 0.08);
});

test('lips close for m between vowels, and part again', async () => {
  const startMs = 400;
  const rows = await follow(windowsOf(silence(startMs), vowelAndM('ah')));
  const at = (ms: number) => Math.floor((startMs + ms) / FRAME_MS);
  assert.ok(rows.slice(at(340), at(480)).some((row) => row.press > 0.7 && row.jaw < 0.3));
  assert.ok([...rows.slice(at(80), at(260)), ...rows.slice(at(520), at(680))].every((row) => row.press === 0));
});

test('a new generation begins with the mouth at rest', async () => {
  const windows = windowsOf(silence(400), vowel('ah', 600));
  const voice = new VoiceToMouth(network);
  assert.ok((await follow(windows, voice)).at(-1)?.isMoving);
  const out = new Float32Array(MOUTH_PARAMETERS.length);
  assert.equal(await voice.step(windowsOf(silence(200))[0], 1, out), false);
  assert.ok(out.every((value) => value === 0));
});

test('every parameter stays within 0 and 1 for clipped and for absurd sound', async () => {
  const loud = vowel('ah', 400, 20).map((value) => Math.max(-1, Math.min(1, value)));
  for (const row of await follow(windowsOf(loud, noise(200, 10), hiss(200, 0), silence(200)))) {
    for (const name of MOUTH_PARAMETERS) assert.ok(row[name] >= 0 && row[name] <= 1);
  }
});

test('frames that were left out are heard all the same', async () => {
  const windows = windowsOf(silence(400), vowel('ah', 400), silence(60), vowel('ee', 400));
  const all = await follow(windows);
  const some = await follow(windows.filter((_, frame) => frame < 14 || frame > 16));
  assert.ok(Math.abs(all[20].jaw - some[17].jaw) < 1e-3);
});

test('features of another shape are refused', async () => {
  await assert.rejects(
    new VoiceToMouth(network).step(new Float32Array(80), 0, new Float32Array(8)),
    /18 rows of 80, got 80/,
  );
});
