import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { type Avatar, avatarFrame, FRAME_GEOMETRY as FIELD } from '../../avatars/avatar.ts';
import { AvatarStore } from '../../avatars/avatar-store.ts';
import { Composer } from '../../avatars/compose.ts';
import { decodeVideo } from '../../codecs/decode-video.ts';
import { type Frame, frameSizeBytes } from '../../codecs/frame.ts';
import { readPictures } from '../../codecs/media-file.ts';
import { VideoEncoder } from '../../codecs/video-encoder.ts';
import { writeVideo } from '../../codecs/video-file-writer.ts';
import { lumaPsnrDb } from '../../testing/moving-picture.ts';
import { ClosedMouths } from './closed-mouths.ts';
import { MouthDrawer } from './mouth-drawer.ts';
import { PictureNetwork } from './picture-network.ts';

const DEMO = resolve(import.meta.dirname, '../../../avatars/sam/idle_0.mp4');
const LARGE_PX = 1080;
const USUAL_PX = 512;
const FRAMES = 4;
const OPEN_MOUTH = Float32Array.of(0.6, 0.2, 0.1, 0, 0, 0, 0, 0);

const folder = mkdtempSync(join(tmpdir(), 'large-'));
const network = await PictureNetwork.open();
after(async () => {
  await network.close();
  rmSync(folder, { recursive: true });
});

/** The beginning of a demo clip, prepared at that size. */
async function avatarOf(sizePx: number): Promise<Avatar> {
  const videoFile = join(folder, 'short.mp4');
  const size = { widthPx: USUAL_PX, heightPx: USUAL_PX, framesPerSecond: 25 };
  async function* beginning() {
    let count = 0;
    for await (const frame of readPictures(DEMO, size)) {
      yield frame;
      if (++count === FRAMES) return;
    }
  }
  await writeVideo(videoFile, { ...size, crf: 12 }, beginning());
  const about = { id: 'sam', name: 'Sam', videoPath: 'short.mp4', videoFile, audioClips: {} };
  const entry = { ...about, preparation: true, bboxShiftPx: 0 };
  return (await AvatarStore.open([entry], { preparedFolder: folder, sizePx })).get('sam');
}

/** Its first pictures with an open mouth. */
async function speaking(avatar: Avatar): Promise<Frame[]> {
  const [clip] = avatar.clips;
  const drawer = new MouthDrawer(network);
  const closed = new ClosedMouths(avatar, clip, network);
  const pictures: Frame[] = [];
  for (let index = 0; index < FRAMES; index++) {
    const base = avatarFrame(avatar, clip, index);
    const out = { ...base, data: new Uint8Array(base.data.length) };
    const mouth = await closed.at(index);
    new Composer().compose(out, base, mouth.geometry, await drawer.draw(OPEN_MOUTH, mouth));
    const changed = base.data.subarray(0, LARGE_PX ** 2).filter((luma, i) => Math.abs(luma - out.data[i]) > 20).length;
    assert.ok(changed > 3_000 && changed < LARGE_PX ** 2 / 8, `${changed} pixels`);
    pictures.push(out);
  }
  return pictures;
}

test('avatars of 1080 pixels a side are prepared, drawn into and encoded like smaller ones', async () => {
  const usual = await avatarOf(USUAL_PX);
  const large = await avatarOf(LARGE_PX);
  const [clip] = large.clips;
  assert.deepEqual([large.widthPx, large.heightPx], [LARGE_PX, LARGE_PX]);
  assert.equal(clip.frames.byteLength, clip.frameCount * frameSizeBytes(LARGE_PX, LARGE_PX));
  const [was, is] = [usual, large].map(({ clips }) => new Float32Array(clips[0].geometry));
  for (const field of [FIELD.A, FIELD.TX, FIELD.TY]) {
    assert.ok(Math.abs(is[field] / was[field] / (LARGE_PX / USUAL_PX) - 1) < 0.02, `${was[field]} became ${is[field]}`);
  }
  assert.ok(Math.abs(is[FIELD.LINE_V] - was[FIELD.LINE_V]) < 1, 'the mouth is where every crop has it');

  const pictures = await speaking(large);
  const size = { widthPx: LARGE_PX, heightPx: LARGE_PX, framesPerSecond: 25, bitrateBps: 4_000_000 };
  for (const codec of ['H264', 'VP8'] as const) {
    const encoder = await VideoEncoder.open({ codec, ...size });
    const packets = [];
    for (const [frameIndex, picture] of pictures.entries()) {
      packets.push(await encoder.encode(picture, { frameIndex, keyFrame: frameIndex === 0 }));
    }
    await encoder.close();
    const seen = await decodeVideo(codec, packets);
    assert.equal(seen.length, FRAMES);
    assert.ok(seen.every((picture, i) => lumaPsnrDb(picture, pictures[i]) > 32));
  }
});
