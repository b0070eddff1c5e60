import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DRIFT_LOOK_AHEAD_SAMPLES, DriftResampler } from './drift-resampler.ts';

const tone = (hz: number, at: number) => 0.5 * Math.sin((2 * Math.PI * hz * at) / 48_000);

/** Plays a tone through a resampler whose speed changes with every 20 ms; returns signal over error in dB. */
function snrDb(hz: number, speeds: (chunk: number) => number): number {
  const resampler = new DriftResampler(4800);
  const out = new Float32Array(960);
  let pushed = 0;
  let position = 0;
  let signal = 0;
  let error = 0;
  for (let chunk = 0; chunk < 100; chunk += 1) {
    const speed = speeds(chunk);
    while (resampler.missing(960, speed) > 0) {
      resampler.push(Float32Array.from({ length: 480 }, (_, n) => tone(hz, pushed + n)));
      pushed += 480;
    }
    resampler.read(out, speed);
    for (let n = 0; n < 960; n += 1) {
      const wanted = tone(hz, position + n * speed);
      if (chunk === 0) continue;
      signal += wanted ** 2;
      error += (out[n] - wanted) ** 2;
    }
    position += 960 * speed;
  }
  return 10 * Math.log10(signal / error);
}

test('a 1 kHz tone stays 75 dB above the error while the speed jumps about', () => {
  const found = snrDb(1000, (chunk) => 1 + 0.005 * Math.sin(chunk * 1.7));
  assert.ok(found > 75, `${found} dB`);
});

test('an 8 kHz tone stays 65 dB above the error while the speed jumps between its limits', () => {
  const found = snrDb(8000, (chunk) => (chunk % 2 === 0 ? 0.98 : 1.02));
  assert.ok(found > 65, `${found} dB`);
});

test('at speed 1 from a whole position the samples pass unchanged', () => {
  const resampler = new DriftResampler(2000);
  const sound = Float32Array.from({ length: 1000 }, (_, n) => tone(440, n));
  resampler.push(sound);
  const out = new Float32Array(960);
  resampler.read(out, 1);
  assert.deepEqual(out, sound.subarray(0, 960));
  assert.equal(resampler.bufferedSamples, 40);
});

test('missing says to the sample what a read still needs', () => {
  const resampler = new DriftResampler(2000);
  resampler.push(new Float32Array(500));
  const missing = resampler.missing(960, 1);
  assert.equal(missing, 960 + DRIFT_LOOK_AHEAD_SAMPLES - 500);
  resampler.push(new Float32Array(missing - 1));
  assert.throws(() => resampler.read(new Float32Array(960), 1), /1 samples are missing/);
  resampler.push(new Float32Array(1));
  resampler.read(new Float32Array(960), 1);
});

test('when it is full the oldest samples go, and it says how many', () => {
  const resampler = new DriftResampler(1000);
  assert.equal(resampler.push(Float32Array.from({ length: 900 }, (_, n) => n)), 0);
  assert.equal(resampler.push(Float32Array.from({ length: 300 }, (_, n) => 900 + n)), 200);
  assert.equal(resampler.bufferedSamples, 1000);
  const out = new Float32Array(10);
  resampler.read(out, 1);
  assert.equal(out[0], 200);
});

test('after clear nothing is left of what was pushed', () => {
  const resampler = new DriftResampler(1000);
  resampler.push(new Float32Array(500).fill(1));
  resampler.clear();
  resampler.push(new Float32Array(500));
  const out = new Float32Array(400);
  resampler.read(out, 1.01);
  assert.ok(out.every((value) => value === 0));
});

test('a speed outside 0.98 to 1.02 is refused', () => {
  const resampler = new DriftResampler(1000);
  assert.throws(() => resampler.read(new Float32Array(1), 1.03), RangeError);
});
