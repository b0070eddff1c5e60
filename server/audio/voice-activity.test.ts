import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VoiceActivity } from './voice-activity.ts';

/** Noise of the given RMS level, the same in every run. */
function noiseMaker(): (levelDb: number) => Float32Array {
  let state = 7;
  return (levelDb) => {
    const peak = Math.sqrt(3) * 10 ** (levelDb / 20);
    return Float32Array.from({ length: 320 }, () => {
      state = (Math.imul(1664525, state) + 1013904223) >>> 0;
      return peak * (state / 2 ** 31 - 1);
    });
  };
}

/** A voiced sound: harmonics of 120 Hz. */
function voice(levelDb: number, chunk: number): Float32Array {
  return Float32Array.from({ length: 320 }, (_, n) => {
    let sum = 0;
    for (let h = 2; h <= 20; h += 1) sum += Math.sin((2 * Math.PI * 120 * h * (chunk * 320 + n)) / 16_000) / h;
    return sum * 10 ** (levelDb / 20);
  });
}

const mix = (a: Float32Array, b: Float32Array) => a.map((value, n) => value + b[n]);

test('digital silence is never speech', () => {
  const activity = new VoiceActivity();
  for (let chunk = 0; chunk < 500; chunk += 1) assert.equal(activity.process(new Float32Array(320)), false);
});

test('speech is heard in its very first chunk, even if only half of the chunk speaks', () => {
  const noise = noiseMaker();
  const activity = new VoiceActivity();
  for (let chunk = 0; chunk < 200; chunk += 1) activity.process(noise(-55));
  assert.equal(activity.process(noise(-55)), false);
  const onset = noise(-55);
  onset.set(voice(-25, 0).subarray(160), 160);
  assert.equal(activity.process(onset), true);
});

test('speech after digital silence is heard in its first chunk', () => {
  const activity = new VoiceActivity();
  for (let chunk = 0; chunk < 100; chunk += 1) activity.process(new Float32Array(320));
  assert.equal(activity.process(voice(-40, 0)), true);
});

test('after the last loud chunk it stays open 120 to 200 ms', () => {
  const noise = noiseMaker();
  const activity = new VoiceActivity();
  for (let chunk = 0; chunk < 200; chunk += 1) activity.process(noise(-60));
  for (let chunk = 0; chunk < 10; chunk += 1) activity.process(mix(voice(-25, chunk), noise(-60)));
  let stayedMs = 0;
  while (activity.process(noise(-60))) stayedMs += 20;
  assert.ok(stayedMs >= 120 && stayedMs <= 200, `${stayedMs} ms`);
});

for (const levelDb of [-60, -45, -35]) {
  test(`steady room noise of ${levelDb} dB stops counting as speech within two and a half seconds, for good`, () => {
    const noise = noiseMaker();
    const activity = new VoiceActivity();
    for (let chunk = 0; chunk < 125; chunk += 1) activity.process(noise(levelDb));
    let speech = 0;
    for (let chunk = 0; chunk < 3000; chunk += 1) if (activity.process(noise(levelDb))) speech += 1;
    assert.equal(speech, 0);
  });
}

test('a minute of talking with pauses between the words is heard throughout in a noisy room', () => {
  const noise = noiseMaker();
  const activity = new VoiceActivity();
  for (let chunk = 0; chunk < 150; chunk += 1) activity.process(noise(-48));
  let missed = 0;
  for (let chunk = 0; chunk < 3000; chunk += 1) {
    // 300 ms of voice, 100 ms of pause.
    const isVoiced = chunk % 20 < 15;
    const heard = activity.process(isVoiced ? mix(voice(-28, chunk), noise(-48)) : noise(-48));
    if (!heard) missed += 1;
  }
  assert.equal(missed, 0);
});

test('a held loud vowel stays speech for ten seconds', () => {
  const activity = new VoiceActivity();
  for (let chunk = 0; chunk < 500; chunk += 1)
    assert.equal(activity.process(voice(-18, chunk)), true, `chunk ${chunk}`);
});

test('mains hum of 50 Hz at -45 dB is not speech, not even at the beginning', () => {
  const activity = new VoiceActivity();
  const hum = (chunk: number) =>
    Float32Array.from({ length: 320 }, (_, n) => 0.008 * Math.sin((2 * Math.PI * 50 * (chunk * 320 + n)) / 16_000));
  for (let chunk = 0; chunk < 300; chunk += 1) assert.equal(activity.process(hum(chunk)), false);
});
