import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { lumaPsnrDb, movingPicture } from '../testing/moving-picture.ts';
import { decodeVideo } from './decode-video.ts';
import type { Frame } from './frame.ts';
import { type Packet, VIDEO_TICKS_PER_FRAME, type VideoCodec } from './packet.ts';
import { MAX_PENDING_FRAMES, VideoEncoder } from './video-encoder.ts';

const CODECS: readonly VideoCodec[] = ['H264', 'VP8'];
const film: Frame[] = [];

before(() => {
  for (let i = 0; i < 50; i++) film.push(movingPicture(i));
});

const open = (codec: VideoCodec, bitrateBps = 800_000) =>
  VideoEncoder.open({ codec, widthPx: 256, heightPx: 256, framesPerSecond: 25, bitrateBps });

/** Types of the NAL units of an Annex B access unit (H.264 table 7-1). */
function nalTypes(data: Uint8Array): number[] {
  const types: number[] = [];
  for (let i = 0; i + 3 < data.length; i++) {
    if (data[i] === 0 && data[i + 1] === 0 && data[i + 2] === 1) types.push(data[i + 3] & 31);
  }
  return types;
}

/** Mean rate of `packets` at 25 fps. */
const rateBps = (packets: readonly Packet[]) =>
  (packets.reduce((sum, p) => sum + p.data.length, 0) * 8 * 25) / packets.length;

for (const codec of CODECS) {
  test(`${codec}: every picture comes back from a decoder, more than 35 dB like the original`, async () => {
    const encoder = await open(codec);
    const packets: Packet[] = [];
    for (let i = 0; i < film.length; i++)
      packets.push(await encoder.encode(film[i], { frameIndex: i, keyFrame: false }));
    assert.ok(encoder.lastEncodeMs > 0);
    await encoder.close();
    const decoded = await decodeVideo(codec, packets);
    assert.equal(decoded.length, film.length);
    for (const [i, frame] of decoded.entries()) assert.ok(lumaPsnrDb(frame, film[i]) > 35, `picture ${i}`);
    assert.deepEqual(
      packets.map((p) => p.timestamp),
      film.map((_, i) => i * VIDEO_TICKS_PER_FRAME),
    );
  });

  test(`${codec}: only the first picture and the forced ones are key frames, and decoding can start at them`, async () => {
    const encoder = await open(codec);
    const packets: Packet[] = [];
    for (let i = 0; i < 30; i++) packets.push(await encoder.encode(film[i], { frameIndex: i, keyFrame: i === 20 }));
    await encoder.close();
    assert.deepEqual(
      packets.flatMap((p, i) => (p.isKeyFrame ? [i] : [])),
      [0, 20],
    );
    const decoded = await decodeVideo(codec, packets.slice(20));
    assert.equal(decoded.length, 10);
    assert.ok(lumaPsnrDb(decoded[0], film[20]) > 30);
  });

  test(`${codec}: the rate follows setBitrate within two seconds`, async () => {
    const encoder = await open(codec, 600_000);
    const packets: Packet[] = [];
    for (let i = 0; i < 200; i++) {
      if (i === 100) encoder.setBitrate(200_000);
      // Noise, so that the encoder has use for every bit it is given.
      packets.push(await encoder.encode(noisy(film[i % 50], i), { frameIndex: i, keyFrame: false }));
    }
    assert.equal(encoder.bitrateBps, 200_000);
    await encoder.close();
    const before = rateBps(packets.slice(50, 100));
    const after = rateBps(packets.slice(150));
    assert.ok(Math.abs(before / 600_000 - 1) < 0.2, `${before} bit/s for 600 kbit/s`);
    assert.ok(Math.abs(after / 200_000 - 1) < 0.3, `${after} bit/s for 200 kbit/s`);
    assert.equal(packets.slice(101).filter((p) => p.isKeyFrame).length, 0);
  });

  test(`${codec}: calls that are not awaited come out in order, and one too many is refused`, async () => {
    const encoder = await open(codec);
    const calls = film
      .slice(0, MAX_PENDING_FRAMES)
      .map((f, i) => encoder.encode(f, { frameIndex: i, keyFrame: false }));
    await assert.rejects(encoder.encode(film[4], { frameIndex: 4, keyFrame: false }), RangeError);
    const packets = await Promise.all(calls);
    assert.deepEqual(
      packets.map((p) => p.timestamp),
      [0, 3600, 7200, 10800],
    );
    assert.equal(encoder.pendingFrames, 0);
    await encoder.encode(film[5], { frameIndex: 5, keyFrame: false });
    await encoder.close();
  });

  test(`${codec}: close waits for the picture inside, may be called twice, and nothing is encoded after it`, async () => {
    const encoder = await open(codec);
    const last = encoder.encode(film[0], { frameIndex: 0, keyFrame: false });
    await Promise.all([encoder.close(), encoder.close()]);
    assert.ok((await last).isKeyFrame);
    await assert.rejects(encoder.encode(film[1], { frameIndex: 1, keyFrame: false }), { code: 'codec_failed' });
  });

  test(`${codec}: the caller may overwrite a shared picture as soon as encode has returned`, async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(film[0].data.length));
    shared.set(film[0].data);
    const encoder = await open(codec);
    const call = encoder.encode({ ...film[0], data: shared }, { frameIndex: 0, keyFrame: true });
    shared.fill(16);
    const [decoded] = await decodeVideo(codec, [await call]);
    await encoder.close();
    assert.ok(lumaPsnrDb(decoded, film[0]) > 30);
  });

  test(`${codec}: a side that is not a multiple of 16 or 32 comes back whole`, async () => {
    const encoder = await VideoEncoder.open({
      codec,
      widthPx: 90,
      heightPx: 158,
      framesPerSecond: 25,
      bitrateBps: 400_000,
    });
    const picture = movingPicture(3, 90, 158);
    const [decoded] = await decodeVideo(codec, [await encoder.encode(picture, { frameIndex: 0, keyFrame: true })]);
    await encoder.close();
    assert.deepEqual([decoded.widthPx, decoded.heightPx], [90, 158]);
    assert.ok(lumaPsnrDb(decoded, picture) > 30);
  });
}

test('every H.264 key frame is SPS, PPS and IDR, the first one and the forced ones', async () => {
  const encoder = await open('H264');
  const packets: Packet[] = [];
  for (let i = 0; i < 4; i++) packets.push(await encoder.encode(film[i], { frameIndex: i, keyFrame: i === 2 }));
  await encoder.close();
  const types = packets.map((p) => nalTypes(p.data).filter((t) => t !== 6));
  assert.deepEqual(types[0], [7, 8, 5]);
  assert.deepEqual(types[2], [7, 8, 5]);
  assert.deepEqual([types[1], types[3]], [[1], [1]]);
});

test('H.264 follows a new rate without a key frame, VP8 with one, and VP8 ignores changes under 15 %', async () => {
  for (const [codec, wantedBps, keyFrames] of [
    ['H264', 400_000, 0],
    ['VP8', 400_000, 1],
    ['VP8', 720_000, 0],
  ] as const) {
    const encoder = await open(codec);
    await encoder.encode(film[0], { frameIndex: 0, keyFrame: false });
    encoder.setBitrate(wantedBps);
    const packet = await encoder.encode(film[1], { frameIndex: 1, keyFrame: false });
    await encoder.close();
    assert.equal(Number(packet.isKeyFrame), keyFrames, `${codec} to ${wantedBps}`);
  }
});

test('VP8 waits a second before it follows a raise, so that a rising estimate does not cost a key frame each time', async () => {
  const encoder = await open('VP8', 400_000);
  const keyFrames: number[] = [];
  for (let i = 0; i < 50; i++) {
    if (i === 10) encoder.setBitrate(800_000);
    if ((await encoder.encode(film[i], { frameIndex: i, keyFrame: false })).isKeyFrame) keyFrames.push(i);
  }
  assert.equal(encoder.bitrateBps, 800_000);
  await encoder.close();
  assert.deepEqual(keyFrames, [0, 25]);
});

test('a picture of another size, an old frame number and settings out of range are refused', async () => {
  const encoder = await open('H264');
  await encoder.encode(film[0], { frameIndex: 7, keyFrame: false });
  await assert.rejects(
    encoder.encode(movingPicture(0, 128, 128), { frameIndex: 8, keyFrame: false }),
    /256x256.*128x128/,
  );
  await assert.rejects(encoder.encode(film[0], { frameIndex: 7, keyFrame: false }), RangeError);
  assert.throws(() => encoder.setBitrate(Number.NaN), RangeError);
  await encoder.encode(film[0], { frameIndex: 8, keyFrame: false });
  await encoder.close();
  await assert.rejects(
    VideoEncoder.open({ codec: 'VP8', widthPx: 255, heightPx: 256, framesPerSecond: 25, bitrateBps: 1e6 }),
    RangeError,
  );
});

let noise: Uint8Array;
before(() => {
  let state = 1;
  noise = Uint8Array.from({ length: 256 * 256 + 997 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) % 24;
  });
});
after(() => film.splice(0));

function noisy(frame: Frame, index: number): Frame {
  const data = frame.data.slice();
  const shift = (index * 131) % 997;
  for (let i = 0; i < 256 * 256; i++) data[i] += noise[i + shift];
  return { ...frame, data };
}
