import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DECIMATOR_DELAY_SAMPLES, Decimator, Interpolator, resample } from './resampler.ts';

function tone(hz: number, rateHz: number, count: number, amplitude = 0.5): Float32Array {
  return Float32Array.from({ length: count }, (_, n) => amplitude * Math.sin((2 * Math.PI * hz * n) / rateHz));
}

/** Decimates in chunks of 20 ms. */
function decimate(samples: Float32Array): Float32Array {
  const decimator = new Decimator();
  const out = new Float32Array(samples.length / 3);
  for (let at = 0; at < samples.length; at += 960) out.set(decimator.process(samples.subarray(at, at + 960)), at / 3);
  return out;
}

function rms(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
}

const gainDb = (hz: number) =>
  20 * Math.log10(rms(decimate(tone(hz, 48_000, 48_000)).subarray(1000)) / (0.5 * Math.SQRT1_2));

test('the decimator passes 100 Hz to 6.9 kHz within a tenth of a decibel', () => {
  for (const hz of [100, 1000, 3000, 5000, 6500, 6900])
    assert.ok(Math.abs(gainDb(hz)) < 0.1, `${hz} Hz: ${gainDb(hz)} dB`);
});

test('the decimator holds back what would alias by 60 dB', () => {
  for (const hz of [9100, 9500, 11_000, 13_000, 15_900, 17_000, 20_000, 23_000]) {
    assert.ok(gainDb(hz) < -60, `${hz} Hz: ${gainDb(hz)} dB`);
  }
});

test('the decimator delays its input by exactly the documented number of samples', () => {
  const clicks = new Float32Array(960);
  clicks[300] = 1;
  const out = decimate(clicks);
  const loudest = out.reduce((best, value, at) => (value > out[best] ? at : best), 0);
  assert.equal(loudest, 100 + DECIMATOR_DELAY_SAMPLES);
  assert.ok(DECIMATOR_DELAY_SAMPLES / 16 <= 2, 'at most 2 ms');
});

test('a decimated stream is the same however it was cut', () => {
  const sound = tone(733, 48_000, 9600);
  const whole = new Decimator().process(sound);
  assert.deepEqual(decimate(sound), whole);
});

test('sound after silence comes out as if the silence had been filtered too', () => {
  const sound = new Float32Array(960 * 6);
  sound.set(tone(500, 48_000, 960), 960 * 4);
  assert.deepEqual(decimate(sound), new Decimator().process(sound));
});

test('the interpolator gives a tone back three times as dense, within a tenth of a decibel up to 6.9 kHz, without images', () => {
  for (const hz of [100, 1000, 3000, 5000, 6500, 6900]) {
    const out = new Interpolator().process(tone(hz, 16_000, 16_000)).subarray(1000);
    assert.ok(Math.abs(20 * Math.log10(rms(out) / (0.5 * Math.SQRT1_2))) < 0.1, `${hz} Hz`);
    const image = 16_000 - hz;
    let [re, im] = [0, 0];
    for (let n = 0; n < 45_000; n += 1) {
      re += out[n] * Math.cos((2 * Math.PI * image * n) / 48_000);
      im += out[n] * Math.sin((2 * Math.PI * image * n) / 48_000);
    }
    const imageDb = 20 * Math.log10((2 * Math.hypot(re, im)) / 45_000 / 0.5);
    assert.ok(imageDb < -50, `${hz} Hz leaves ${imageDb} dB at ${image} Hz`);
  }
});

test('an interpolated stream is the same however it was cut, and comes back through the decimator', () => {
  const sound = tone(733, 16_000, 3200);
  const whole = new Interpolator().process(sound);
  const pieces = new Interpolator();
  const cut = [320, 40, 600, 2240].map((count, i, all) => {
    const at = all.slice(0, i).reduce((sum, each) => sum + each, 0);
    return pieces.process(sound.subarray(at, at + count));
  });
  assert.deepEqual(Float32Array.from(cut.flatMap((piece) => [...piece])), whole);
  const back = decimate(whole);
  const error = back.subarray(200).map((value, n) => value - sound[n + 200 - 2 * DECIMATOR_DELAY_SAMPLES]);
  assert.ok(rms(error) < 0.003, `${rms(error)}`);
});

test('a piece that is no multiple of three is refused', () => {
  assert.throws(() => new Decimator().process(new Float32Array(961)), /multiple of 3/);
});

for (const [fromHz, toHz] of [
  [44_100, 48_000],
  [22_050, 48_000],
  [8_000, 48_000],
  [96_000, 48_000],
  [48_000, 16_000],
  [47_999, 48_000],
]) {
  test(`a 1 kHz tone resampled from ${fromHz} to ${toHz} Hz is the same tone, 75 dB above any difference`, () => {
    const out = resample(tone(1000, fromHz, fromHz), fromHz, toHz);
    const wanted = tone(1000, toHz, toHz);
    assert.equal(out.length, wanted.length);
    const inner = (samples: Float32Array) => samples.subarray(toHz / 10, (toHz * 9) / 10);
    const difference = out.map((value, n) => value - wanted[n]);
    const snrDb = 20 * Math.log10(rms(inner(wanted)) / rms(inner(difference)));
    assert.ok(snrDb > 75, `${snrDb} dB`);
  });
}

test('resampling down leaves nothing of a tone above the new Nyquist frequency', () => {
  const out = resample(tone(10_000, 48_000, 48_000), 48_000, 16_000);
  assert.ok(rms(out.subarray(1600, 14_400)) < 0.5 * 10 ** (-70 / 20));
});

test('a recording that has the wanted rate already comes back unchanged', () => {
  const sound = tone(440, 48_000, 1000);
  assert.deepEqual(resample(sound, 48_000, 48_000), sound);
});

test('a rate that is no positive number is refused', () => {
  assert.throws(() => resample(new Float32Array(1), 0, 48_000), RangeError);
});
