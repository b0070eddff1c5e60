import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MEL_BINS } from '../../audio/log-mel.ts';
import { WhisperMel } from './whisper-mel.ts';

/** Whisper's encoder hears 30 s. */
const FRAMES = 3000;

const TONE = Float32Array.from({ length: 16_000 }, (_, n) => 0.5 * Math.sin((2 * Math.PI * 440 * n) / 16_000));

function noise(): Float32Array {
  let state = 1;
  return Float32Array.from({ length: 16_000 }, () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return 0.1 * (state / 2 ** 31 - 1);
  });
}

function melOf(samples: Float32Array, frames = FRAMES): Float32Array {
  const out = new Float32Array(MEL_BINS * frames);
  new WhisperMel().compute(samples, out);
  return out;
}

function assertNumbers(mel: Float32Array, wanted: readonly (readonly [number, number, number])[]): void {
  for (const [band, frame, value] of wanted) {
    const found = mel[band * FRAMES + frame];
    assert.ok(Math.abs(found - value) < 2e-6, `[${band}, ${frame}] is ${found}, wanted ${value}`);
  }
}

const largest = (values: Float32Array) => values.reduce((a, b) => Math.max(a, b));
const smallest = (values: Float32Array) => values.reduce((a, b) => Math.min(a, b));

test('a second of a tone, made 30 s long by silence, gives the numbers that follow from the definition', () => {
  const mel = melOf(TONE);
  assertNumbers(mel, [
    [0, 0, 0.983279],
    [9, 0, 1.307817],
    [10, 0, 1.336241],
    [10, 50, 1.348738],
    [11, 50, 1.438204],
    [12, 50, 1.293523],
    [20, 50, -0.561796],
    [10, 99, 1.349458],
    [10, 100, 1.267412],
    [10, 101, 0.35668],
    [10, 102, -0.561796],
  ]);
  assert.ok(Math.abs(largest(mel) - 1.4382038) < 1e-6);
  assert.ok(Math.abs(smallest(mel) + 0.5617962) < 1e-6);
  assert.ok(Math.abs(mel.reduce((a, b) => a + b, 0) / mel.length + 0.5576621) < 1e-6);
});

test('a second of noise does so too', () => {
  const mel = melOf(noise());
  assertNumbers(mel, [
    [0, 0, 0.095463],
    [10, 50, 0.543478],
    [40, 50, 0.381977],
    [79, 50, 0.454007],
    [40, 99, 0.516055],
    [40, 100, 0.372848],
  ]);
  assert.ok(Math.abs(largest(mel) - 0.7371051) < 1e-6);
  assert.ok(Math.abs(smallest(mel) + 1.2628949) < 1e-6);
});

test('digital silence is -1.5 everywhere', () => {
  assert.ok(melOf(new Float32Array(1600), 300).every((value) => value === -1.5));
});

test('sound that fills all frames is reflected at its end as at its beginning', () => {
  const sound = noise().subarray(0, 3200);
  const turned = Float32Array.from(sound).reverse();
  const [there, back] = [melOf(sound, 20), melOf(turned, 20)];
  // Frame k of the one is centred at sample 160k, of the other at 3199 − 160k: frames 19 and 1 are 1 sample apart.
  assert.ok(Math.abs(there[40 * 20 + 19] - back[40 * 20 + 1]) < 0.1);
  assert.notEqual(
    there[40 * 20 + 19],
    melOf(Float32Array.from([...sound, ...new Float32Array(160)]), 21)[40 * 21 + 19],
  );
});

test('more sound than there are frames is refused', () => {
  assert.throws(() => melOf(new Float32Array(1601), 10), /take 1600 samples at most, got 1601/);
});
