import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { CROP_SIZE_PX } from '../../avatars/avatar.ts';
import { Composer } from '../../avatars/compose.ts';
import { cutMouth, MOUTH_CROP_BYTES } from '../../avatars/mouth-crop.ts';
import { MOUTH_PARAMETERS } from '../engine.ts';
import { closedMouth } from './closed-mouths.ts';
import { MouthDrawer } from './mouth-drawer.ts';
import { OVERLAY_SIZE_PX } from './mouth-inside.ts';
import { FLOW_GRID_SIZE, PictureNetwork } from './picture-network.ts';
import { testFace } from './test-face.ts';

type Mouth = Partial<Record<(typeof MOUTH_PARAMETERS)[number], number>>;

interface Drawing {
  readonly flow: Float32Array;
  readonly overlay: Uint8Array;
}

const MOUTHS: readonly Mouth[] = [
  { press: 1 },
  { jaw: 0.1 },
  { jaw: 0.55 },
  { jaw: 1, lower: 1, upper: 1 },
  { jaw: 0.2, spread: 1, upper: 0.3 },
  { jaw: 0.16, round: 1 },
  { jaw: 0.05, upper: 0.3, tuck: 1 },
  { jaw: 1, lower: 1, upper: 1, spread: 1, round: 1, press: 1, tuck: 1, tongue: 1 },
];

const face = await testFace();
const network = await PictureNetwork.open();
const drawer = new MouthDrawer(network);
const closed = await closedMouth({ frame: face.picture, geometry: face.geometry }, network);
after(() => network.close());

/** A drawing of its own, not borrowed. */
async function draw(mouth: Mouth): Promise<Drawing> {
  const parameters = Float32Array.from(MOUTH_PARAMETERS, (name) => mouth[name] ?? 0);
  const { flow, overlay } = await drawer.draw(parameters, closed);
  assert.ok(flow);
  return { flow: flow.slice(), overlay: overlay?.slice() ?? new Uint8Array(OVERLAY_SIZE_PX ** 2 * 4) };
}

function vectorAt({ flow }: Drawing, u: number, v: number): { du: number; dv: number } {
  const node = CROP_SIZE_PX / (FLOW_GRID_SIZE - 1);
  const at = (Math.round(v / node) * FLOW_GRID_SIZE + Math.round(u / node)) * 2;
  return { du: flow[at], dv: flow[at + 1] };
}

/** Crop pixels that are painted rather than moved. */
function paintedPx({ overlay }: Drawing): number {
  let sum = 0;
  for (let at = 3; at < overlay.length; at += 4) sum += overlay[at] / 255;
  return sum * (CROP_SIZE_PX / OVERLAY_SIZE_PX) ** 2;
}

/** Luma of the mouth crop once the drawing is in the picture: plane of upper left pixels. */
async function composed(mouth: Mouth): Promise<Uint8Array> {
  const { picture, geometry } = face;
  const out = { ...picture, data: new Uint8Array(picture.data.length) };
  const { flow, overlay } = await draw(mouth);
  new Composer().compose(out, picture, geometry, { gridSize: FLOW_GRID_SIZE, flow, sizePx: OVERLAY_SIZE_PX, overlay });
  const planes = new Uint8Array(MOUTH_CROP_BYTES);
  cutMouth(out, geometry, planes);
  return planes;
}

for (const mouth of MOUTHS) {
  const name = Object.entries(mouth)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');

  test(`nothing moves at the border of the crop or is painted there: ${name}`, async () => {
    const drawing = await draw(mouth);
    for (let along = 0; along <= CROP_SIZE_PX; along += 2) {
      for (const [u, v] of [
        [along, 0],
        [along, CROP_SIZE_PX],
        [0, along],
        [CROP_SIZE_PX, along],
      ]) {
        assert.deepEqual(vectorAt(drawing, u, v), { du: 0, dv: 0 });
        const [x, y] = [u, v].map((place) => Math.min(place * 2, OVERLAY_SIZE_PX - 1));
        assert.equal(drawing.overlay[(y * OVERLAY_SIZE_PX + x) * 4 + 3], 0);
      }
    }
  });

  test(`a small change of the numbers is a small change of the picture: ${name}`, async () => {
    const before = await draw(mouth);
    const changed = await draw(Object.fromEntries(Object.entries(mouth).map(([key, value]) => [key, value - 0.004])));
    let moved = 0;
    for (let k = 0; k < before.flow.length; k++) moved = Math.max(moved, Math.abs(before.flow[k] - changed.flow[k]));
    // The 8-bit network answers in steps.
    assert.ok(moved < 1.5, `${moved} px`);
    const area = paintedPx(before);
    assert.ok(Math.abs(area - paintedPx(changed)) < 20 + 0.02 * area, `${area} and ${paintedPx(changed)} px`);
  });
}

test('lips that are pressed show nothing of the inside, whatever the jaw is said to do', async () => {
  for (const mouth of [{ press: 1 }, { jaw: 0.3, press: 1 }]) assert.ok(paintedPx(await draw(mouth)) < 12);
});

test('the wider the jaw, the more of the inside is seen', async () => {
  const areas: number[] = [];
  for (const jaw of [0.05, 0.2, 0.4, 0.6]) areas.push(paintedPx(await draw({ jaw })));
  assert.ok(
    areas.every((area, i) => i === 0 || area > areas[i - 1] + 40),
    areas.join(' '),
  );
});

test('the chin goes down with the jaw, the nose stays', async () => {
  const drawing = await draw({ jaw: 0.55 });
  assert.ok(vectorAt(drawing, 64, 90).dv < -4, `${vectorAt(drawing, 64, 90).dv}`);
  assert.ok(Math.abs(vectorAt(drawing, 64, 24).dv) < 0.5);
});

test('round draws the corners in, spread pulls them out', async () => {
  assert.ok(vectorAt(await draw({ jaw: 0.16, round: 1 }), 82, 52).du > 2);
  assert.ok(vectorAt(await draw({ jaw: 0.16, spread: 0.8 }), 90, 52).du < -0.8);
});

test('an open mouth is darker inside than the lips were', async () => {
  const before = new Uint8Array(MOUTH_CROP_BYTES);
  cutMouth(face.picture, face.geometry, before);
  const open = await composed({ jaw: 0.6 });
  const inside = 29 * 64 + 32; // Plane coordinates of crop (64, 58).
  assert.ok(open[inside] < before[inside] - 10, `${open[inside]} after ${before[inside]}`);
});

test('what the drawing does not reach stays bit for bit', async () => {
  const { picture, geometry } = face;
  const out = { ...picture, data: new Uint8Array(picture.data.length) };
  const { flow, overlay } = await draw({ jaw: 0.6 });
  new Composer().compose(out, picture, geometry, { gridSize: FLOW_GRID_SIZE, flow, sizePx: OVERLAY_SIZE_PX, overlay });
  const [firstRow, lastRow] = [Math.floor(geometry[3]), Math.ceil(geometry[3] + CROP_SIZE_PX * geometry[0])];
  assert.deepEqual(out.data.subarray(0, firstRow * 512), picture.data.subarray(0, firstRow * 512));
  assert.deepEqual(out.data.subarray(lastRow * 512, 512 * 512), picture.data.subarray(lastRow * 512, 512 * 512));
});
