import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokenPatch } from './broken-patch.ts';
import type { BoxPatch, WarpPatch } from './engine.ts';

const warp: WarpPatch = {
  kind: 'warp',
  gridSize: 17,
  flow: new Float32Array(17 * 17 * 2).fill(3e38),
  sizePx: 4,
  overlay: null,
  parameters: new Float32Array(8),
};
const box: BoxPatch = {
  kind: 'box',
  sizePx: 64,
  picture: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i % 251) + 1),
  box: { left: 0, top: 0, right: 8, bottom: 8 },
  mask: new Uint8Array(64),
  parameters: null,
};

test('finite numbers are whole, however large', () => {
  assert.equal(brokenPatch(warp), null);
  assert.equal(brokenPatch({ ...warp, flow: null, parameters: null }), null);
});

test('one number that is none, or is infinite, breaks a patch', () => {
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    for (const at of [0, 300, 577]) {
      assert.match(
        String(brokenPatch({ ...warp, flow: Float32Array.from({ length: 578 }, (_, i) => (i === at ? wrong : 1)) })),
        /flow/,
      );
    }
    assert.match(
      String(brokenPatch({ ...warp, parameters: Float32Array.of(0, 0, 0, 0, 0, 0, 0, wrong) })),
      /parameters/,
    );
  }
});

test('a face of one shade is what NaN became on its way to bytes', () => {
  assert.equal(brokenPatch(box), null);
  for (const shade of [0, 128, 255]) {
    assert.match(String(brokenPatch({ ...box, picture: new Uint8Array(64 * 64 * 3).fill(shade) })), /one shade/);
  }
});
