import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogMel, MEL_BINS, MEL_SILENCE, melFilters } from './log-mel.ts';

const TONE = Float32Array.from({ length: 16_000 }, (_, n) => 0.5 * Math.sin((2 * Math.PI * 440 * n) / 16_000));

function noise(count: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return 0.1 * (state / 2 ** 31 - 1);
  });
}

/** Row `k` straight from the definitions: DFT as a double sum, triangles from their corners. */
function referenceRow(samples: Float32Array, k: number): number[] {
  const power = Array.from({ length: 201 }, (_, bin) => {
    let re = 0;
    let im = 0;
    for (let n = 0; n < 400; n += 1) {
      const value = (samples[160 * k - 240 + n] ?? 0) * (0.5 - 0.5 * Math.cos((2 * Math.PI * n) / 400));
      re += value * Math.cos((2 * Math.PI * bin * n) / 400);
      im -= value * Math.sin((2 * Math.PI * bin * n) / 400);
    }
    return re * re + im * im;
  });
  const corner = (i: number) => {
    const mel = (i * 45.245640471924965) / 81;
    return mel < 15 ? (mel * 200) / 3 : 1000 * Math.exp(((mel - 15) * Math.log(6.4)) / 27);
  };
  return Array.from({ length: 80 }, (_, i) => {
    const [low, mid, high] = [corner(i), corner(i + 1), corner(i + 2)];
    const sum = power.reduce((total, value, bin) => {
      const height = Math.max(0, Math.min((bin * 40 - low) / (mid - low), (high - bin * 40) / (high - mid)));
      return total + (value * height * 2) / (high - low);
    }, 0);
    return Math.log10(Math.max(sum, 1e-10));
  });
}

test('rows agree with a direct evaluation of the definition, the first ones included', () => {
  const sound = noise(8000).map((value, n) => value + TONE[n]);
  const rows = new LogMel().push(sound);
  assert.equal(rows.length, 50 * MEL_BINS);
  for (const k of [0, 1, 2, 17, 49]) {
    const wanted = referenceRow(sound, k);
    for (let bin = 0; bin < MEL_BINS; bin += 1) {
      assert.ok(Math.abs(rows[k * MEL_BINS + bin] - wanted[bin]) < 1e-5, `row ${k} bin ${bin}`);
    }
  }
});

test('rows agree with the published numbers of Whisper where windows are the same', () => {
  // Whisper centres row k at sample 160k, this one at 160k − 40.
  const tone = new LogMel().push(TONE.subarray(40));
  const hiss = new LogMel().push(noise(16_000).subarray(40));
  const whisper = (rows: Float32Array, bin: number, row: number) => (rows[row * MEL_BINS + bin] + 4) / 4;
  const close = (found: number, wanted: number) => assert.ok(Math.abs(found - wanted) < 2e-6, `${found} ${wanted}`);
  close(whisper(tone, 10, 50), 1.348738);
  close(whisper(tone, 11, 50), 1.438204);
  close(whisper(tone, 12, 50), 1.293523);
  close(whisper(hiss, 10, 50), 0.543478);
  close(whisper(hiss, 40, 50), 0.381977);
  close(whisper(hiss, 79, 50), 0.454007);
});

test('the filters are those of Whisper', () => {
  const filters = melFilters();
  const weight = (filter: number, bin: number) => filters[filter].weights[bin - filters[filter].firstBin];
  const all = filters.flatMap((filter) => [...filter.weights]);
  assert.equal(all.filter((value) => value > 0).length, 391);
  assert.ok(Math.abs(all.reduce((a, b) => a + b, 0) - 1.999024103) < 1e-8);
  assert.ok(Math.abs(weight(0, 1) - 0.024862594) < 1e-8);
  assert.ok(Math.abs(weight(40, 43) - 0.014735566) < 1e-8);
  assert.ok(Math.abs(weight(79, 196) - 0.001795036) < 1e-8);
});

test('rows are the same however the stream was cut', () => {
  const sound = noise(4000);
  const whole = new LogMel().push(sound);
  const stream = new LogMel();
  const pieces: number[] = [];
  for (let at = 0, size = 1; at < sound.length; at += size, size = (size * 7 + 3) % 501) {
    pieces.push(...stream.push(sound.subarray(at, at + size)));
  }
  assert.deepEqual(Float32Array.from(pieces), whole);
});

test('every 320 samples complete exactly two rows, from the first chunk on', () => {
  const stream = new LogMel();
  for (let chunk = 0; chunk < 5; chunk += 1) assert.equal(stream.push(noise(320)).length, 2 * MEL_BINS);
});

test('digital silence gives the floor in every bin', () => {
  assert.ok(new LogMel().push(new Float32Array(1600)).every((value) => value === MEL_SILENCE));
});
