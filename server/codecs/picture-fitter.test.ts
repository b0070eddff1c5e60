import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AV_PIX_FMT_RGBA,
  AVCOL_PRI_BT2020,
  AVCOL_SPC_BT2020_NCL,
  AVCOL_TRC_ARIB_STD_B67,
  AVCOL_TRC_SMPTE2084,
  type AVColorTransferCharacteristic,
} from 'node-av/constants';
import { allocI420, allocPicture, fillI420 } from './ffmpeg.ts';
import { PictureFitter } from './picture-fitter.ts';

const SIZE_PX = 32;

/** What a grey of that luma becomes: luma and both colours. */
async function toned(luma: number, transfer: AVColorTransferCharacteristic): Promise<number[]> {
  const picture = allocI420(SIZE_PX, SIZE_PX);
  const data = new Uint8Array((SIZE_PX * SIZE_PX * 3) / 2).fill(128);
  fillI420(picture, { widthPx: SIZE_PX, heightPx: SIZE_PX, data: data.fill(luma, 0, SIZE_PX * SIZE_PX) });
  picture.colorTrc = transfer;
  picture.colorPrimaries = AVCOL_PRI_BT2020;
  picture.colorSpace = AVCOL_SPC_BT2020_NCL;
  const fitter = new PictureFitter(SIZE_PX, SIZE_PX);
  try {
    const { data } = await fitter.fit(picture);
    return [data[0], data[SIZE_PX * SIZE_PX], data[SIZE_PX * SIZE_PX * 1.25]];
  } finally {
    fitter.close();
    picture.free();
  }
}

test('HDR is brought into the standard range: skin stays as bright as it is, lamps are not burnt out, greys stay grey', async () => {
  // BT.2408: 18 % grey lies at 38 % of PQ and of HLG, white paper at 58 % of PQ and 75 % of HLG; in the standard range at 41 % and 100 %.
  for (const [transfer, grey, paper] of [
    [AVCOL_TRC_SMPTE2084, 0.38, 0.58],
    [AVCOL_TRC_ARIB_STD_B67, 0.38, 0.75],
  ] as const) {
    const [lumas, colours] = [[] as number[], [] as number[]];
    for (const level of [0, grey, paper, 1]) {
      const [luma, ...chroma] = await toned(Math.round(16 + 219 * level), transfer);
      lumas.push(luma);
      colours.push(...chroma);
    }
    const [black, skin, white, lamp] = lumas;
    assert.ok(black <= 18 && Math.abs(skin - 106) < 12, `black ${black}, 18 % grey ${skin}`);
    assert.ok(white > 195 && white < 236 && lamp > white && lamp <= 236, `white ${white}, brightest ${lamp}`);
    assert.ok(
      colours.every((colour) => Math.abs(colour - 128) <= 2),
      `${colours}`,
    );
  }
});

test('transparent parts become grey, others stay, and what is between is between', async () => {
  for (const [alpha, expected] of [
    [0, 126],
    [128, 71],
    [255, 16],
  ]) {
    const picture = allocPicture(SIZE_PX, SIZE_PX, AV_PIX_FMT_RGBA);
    picture.data?.[0].fill(0);
    for (let at = 3; at < picture.linesize[0] * SIZE_PX; at += 4) picture.data![0][at] = alpha;
    const fitter = new PictureFitter(SIZE_PX, SIZE_PX);
    const { data } = await fitter.fit(picture);
    fitter.close();
    picture.free();
    assert.ok(Math.abs(data[0] - expected) <= 3, `alpha ${alpha}: ${data[0]}`);
  }
});
