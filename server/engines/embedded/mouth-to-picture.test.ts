import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CROP_SIZE_PX } from '../../avatars/avatar.ts';
import { Composer } from '../../avatars/compose.ts';
import { MOUTH_PARAMETERS, type MouthPatch } from '../engine.ts';
import { type FaceLook, lookAt } from './face-look.ts';
import { MouthDrawer } from './mouth-to-picture.ts';
import { GEOMETRY, plainAvatar } from './test-avatar.ts';

type Mouth = Partial<Record<(typeof MOUTH_PARAMETERS)[number], number>>;

const avatar = plainAvatar('light', 170);
const light = lookAt(avatar, avatar.clips[0]);

const MOUTHS: readonly Mouth[] = [
  { press: 1 },
  { jaw: 0.1 },
  { jaw: 0.55 },
  { jaw: 1, lower: 1, upper: 1 },
  { jaw: 0.2, spread: 1, upper: 0.3 },
  { jaw: 0.16, round: 1 },
  { jaw: 1, round: 1, lower: 1 },
  { jaw: 0.05, upper: 0.3, tuck: 1 },
  { jaw: 1, lower: 1, upper: 1, spread: 1, round: 1, press: 1, tuck: 1, tongue: 1 },
];

function numbers(mouth: Mouth): Float32Array {
  return Float32Array.from(MOUTH_PARAMETERS, (name) => mouth[name] ?? 0);
}

/** A patch of its own, not borrowed. */
function draw(mouth: Mouth, look: FaceLook = light): { patch: MouthPatch; flow: Float32Array; overlay: Uint8Array } {
  const patch = new MouthDrawer().draw(numbers(mouth), GEOMETRY, look);
  assert.ok(patch?.flow);
  return { patch, flow: patch.flow, overlay: patch.overlay ?? new Uint8Array(patch.sizePx ** 2 * 4) };
}

function vectorAt(patch: MouthPatch, u: number, v: number): { du: number; dv: number } {
  const node = CROP_SIZE_PX / (patch.gridSize - 1);
  const at = (Math.round(v / node) * patch.gridSize + Math.round(u / node)) * 2;
  return { du: patch.flow![at], dv: patch.flow![at + 1] };
}

function texelAt(patch: MouthPatch, u: number, v: number): number[] {
  const scale = patch.sizePx / CROP_SIZE_PX;
  const at = (Math.floor(v * scale) * patch.sizePx + Math.floor(u * scale)) * 4;
  return patch.overlay ? [...patch.overlay.subarray(at, at + 4)] : [0, 0, 0, 0];
}

test('a mouth at rest is the avatar as it is', () => {
  assert.equal(new MouthDrawer().draw(numbers({}), GEOMETRY, light), null);
});

test('lips that touch show nothing of the inside', () => {
  assert.equal(draw({ press: 1 }).patch.overlay, null);
  assert.equal(draw({ jaw: 0.4, press: 1 }).patch.overlay, null);
});

for (const mouth of MOUTHS) {
  const name = Object.entries(mouth)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');

  test(`nothing moves at the border of the crop or is painted there: ${name}`, () => {
    const { patch } = draw(mouth);
    for (let along = 0; along <= CROP_SIZE_PX; along += 2) {
      for (const [u, v] of [
        [along, 0],
        [along, CROP_SIZE_PX],
        [0, along],
        [CROP_SIZE_PX, along],
      ]) {
        assert.deepEqual(vectorAt(patch, u, v), { du: 0, dv: 0 });
      }
    }
    assert.deepEqual(texelAt(patch, 1, 60), [0, 0, 0, 0]);
  });

  test(`the skin neither tears nor folds: ${name}`, () => {
    const { patch, flow } = draw(mouth);
    const size = patch.gridSize;
    const nodePx = CROP_SIZE_PX / (size - 1);
    for (let j = 0; j < size - 1; j++) {
      for (let i = 0; i < size - 1; i++) {
        const at = (j * size + i) * 2;
        const down = nodePx + flow[at + size * 2 + 1] - flow[at + 1];
        const right = nodePx + flow[at + 2] - flow[at];
        // Going on by one node, the source goes on too (by nothing in the opening) and not by more than four.
        assert.ok(down > -0.3 && down < 4 * nodePx, `column ${i}, row ${j}: source moves ${down} px`);
        assert.ok(right > 0 && right < 4 * nodePx, `column ${i}, row ${j}: source moves ${right} px sideways`);
      }
    }
  });

  test(`a small change of the numbers is a small change of the picture: ${name}`, () => {
    const before = draw(mouth);
    const changed = Object.fromEntries(Object.entries(mouth).map(([key, value]) => [key, value - 0.004]));
    const after = draw(changed);
    for (let k = 0; k < before.flow.length; k++) assert.ok(Math.abs(before.flow[k] - after.flow[k]) < 0.6);
    let difference = 0;
    for (let k = 3; k < before.overlay.length; k += 4) difference += Math.abs(before.overlay[k] - after.overlay[k]);
    assert.ok(difference / (before.overlay.length / 4) < 1);
  });
}

test('the chin goes down with the jaw, the nose stays', () => {
  const { patch } = draw({ jaw: 0.6 });
  assert.ok(vectorAt(patch, 64, 104).dv < -8);
  assert.deepEqual(vectorAt(patch, 64, 28), { du: 0, dv: 0 });
});

test('round draws the corners in, spread pulls them out', () => {
  assert.ok(vectorAt(draw({ round: 1 }).patch, 80, 52).du > 4);
  assert.ok(vectorAt(draw({ spread: 1 }).patch, 92, 52).du < -1.5);
});

test('an open mouth shows bright teeth above a dark inside', () => {
  const { patch } = draw({ jaw: 0.6 });
  const [teeth, inside] = [texelAt(patch, 61, 53), texelAt(patch, 61, 58)];
  assert.ok(teeth[3] === 255 && inside[3] === 255);
  assert.ok(teeth[1] > 100 && inside[1] < 40);
});

test('teeth are darker in a darker face', () => {
  const dark = plainAvatar('dark', 60);
  const darkLook = lookAt(dark, dark.clips[0]);
  assert.ok(
    texelAt(draw({ jaw: 0.6 }, darkLook).patch, 61, 53)[1] < 0.8 * texelAt(draw({ jaw: 0.6 }).patch, 61, 53)[1],
  );
});

test('the next drawing leaves nothing of the last one behind', () => {
  const drawer = new MouthDrawer();
  drawer.draw(numbers({ jaw: 1 }), GEOMETRY, light);
  const reused = drawer.draw(numbers({ jaw: 0.2, round: 1 }), GEOMETRY, light);
  const fresh = draw({ jaw: 0.2, round: 1 });
  assert.deepEqual(reused?.overlay, fresh.overlay);
  assert.deepEqual(reused?.flow, fresh.flow);
});

test('the line between the lips is found where the picture is darkest', () => {
  // The landmarks say 53 in the middle and 52 at the corners; the picture has the line at 53 all along.
  assert.ok(Math.abs(light.lineOffsets[16]) < 0.5);
  assert.ok(light.lineOffsets[2] > 0.3 && light.lineOffsets[30] > 0.3);
});

test('composed, an open mouth changes the picture only inside the crop', () => {
  const [clip] = avatar.clips;
  const base = { widthPx: 256, heightPx: 256, data: new Uint8Array(clip.frames, 0, 256 * 256 * 1.5) };
  const out = { ...base, data: new Uint8Array(base.data.length) };
  new Composer().compose(out, base, GEOMETRY, draw({ jaw: 0.6 }).patch);
  assert.deepEqual(out.data.subarray(0, 256 * 60), base.data.subarray(0, 256 * 60));
  assert.ok(out.data[256 * 118 + 128] < 40);
});
