import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MOUTH_PARAMETERS } from './engine.ts';
import { VISEME_PROTOTYPES, VISEMES, visemeWeights } from './visemes.ts';

function heaviest(weights: Float32Array): string {
  return VISEMES[weights.indexOf(Math.max(...weights))];
}

function sum(weights: Float32Array): number {
  return weights.reduce((total, weight) => total + weight, 0);
}

test('a mouth on a prototype is mostly that viseme', () => {
  for (const viseme of VISEMES) {
    assert.equal(VISEME_PROTOTYPES[viseme].length, MOUTH_PARAMETERS.length);
    const weights = visemeWeights(Float32Array.from(VISEME_PROTOTYPES[viseme]));
    assert.equal(heaviest(weights), viseme);
    assert.ok(Math.max(...weights) > 0.7, `${viseme}: ${Math.max(...weights)}`);
  }
});

test('weights are not negative and sum to 1, for mouths far from every prototype too', () => {
  for (const value of [0, 0.25, 0.5, 1]) {
    const weights = visemeWeights(new Float32Array(8).fill(value));
    assert.ok(weights.every((weight) => weight >= 0));
    assert.ok(Math.abs(sum(weights) - 1) < 1e-6, `${sum(weights)}`);
  }
});

test('pressed lips are PP however far the jaw is open, and a tucked lip is FF', () => {
  const pressed = Float32Array.from([0.2, 0.1, 0, 0, 0, 1, 0, 0]);
  assert.equal(heaviest(visemeWeights(pressed)), 'PP');
  const tucked = Float32Array.from([0.15, 0, 0.1, 0.1, 0, 0, 0.9, 0]);
  assert.equal(heaviest(visemeWeights(tucked)), 'FF');
});

test('an opening jaw moves the weight from silence to aa without a jump', () => {
  let before = visemeWeights(new Float32Array(8));
  assert.equal(heaviest(before), 'sil');
  for (let jaw = 0.01; jaw < 0.55; jaw += 0.01) {
    const weights = visemeWeights(Float32Array.from([jaw, 0.05, 0, 0.05, 0, 0, 0, 0]));
    for (let i = 0; i < weights.length; i += 1) {
      assert.ok(Math.abs(weights[i] - before[i]) < 0.25, `${VISEMES[i]} jumps at jaw ${jaw}`);
    }
    before = weights;
  }
  assert.equal(heaviest(before), 'aa');
});
