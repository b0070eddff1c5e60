import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpusDecoder } from './opus-decoder.ts';
import { OpusEncoder } from './opus-encoder.ts';

/** A packet of one silent frame; `config` says mode and length (RFC 6716 table 2). */
const frameOf = (config: number, isStereo = false) => Uint8Array.of((config << 3) | (isStereo ? 4 : 0), 0xff, 0xfe);

test('packets of every frame length from 2.5 to 120 ms give as many samples', async () => {
  const decoder = await OpusDecoder.open();
  for (const [config, samples] of [
    [28, 120],
    [29, 240],
    [30, 480],
    [31, 960],
  ]) {
    assert.equal(decoder.decode(frameOf(config)).length, samples);
  }
  // Code 3 packets of 3 and 6 frames of 20 ms (RFC 6716 §3.2.5).
  assert.equal(decoder.decode(Uint8Array.of(0xfb, 3, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe)).length, 2880);
  assert.equal(
    decoder.decode(Uint8Array.of(0xfb, 6, ...Array.from({ length: 12 }, (_, i) => 0xff - (i % 2)))).length,
    5760,
  );
  // A SILK packet of 60 ms that says nothing but its header: the decoder conceals.
  assert.equal(decoder.decode(Uint8Array.of(3 << 3)).length, 2880);
  await decoder.close();
});

test('stereo is mixed down to mono', async () => {
  const decoder = await OpusDecoder.open();
  const samples = decoder.decode(frameOf(31, true));
  await decoder.close();
  assert.equal(samples.length, 960);
});

test('malformed packets are refused and leave the decoder usable', async () => {
  const encoder = await OpusEncoder.open();
  const decoder = await OpusDecoder.open();
  const tone = Float32Array.from({ length: 960 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 440 * i) / 48_000));
  for (const bad of [[], [0xfb], [0xfb, 0], [0xfb, 49, 1, 2], [0xfa, 252], [0xf9, 1, 2, 3]]) {
    assert.throws(() => decoder.decode(Uint8Array.from(bad)), { code: 'codec_failed' }, `[${bad}]`);
  }
  decoder.decode(encoder.encode(tone, 0).data);
  const heard = decoder.decode(encoder.encode(tone, 960).data);
  assert.ok(Math.max(...heard) > 0.3);
  await encoder.close();
  await decoder.close();
});

test('ten thousand random packets neither crash the process nor give a wrong length', async () => {
  const decoder = await OpusDecoder.open();
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let decoded = 0;
  for (let i = 0; i < 10_000; i++) {
    const payload = Uint8Array.from({ length: random(200) }, () => random(256));
    try {
      const { length } = decoder.decode(payload);
      assert.ok(length >= 120 && length <= 5760 && length % 120 === 0, `${length} samples`);
      decoded++;
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'codec_failed', String(error));
    }
  }
  await decoder.close();
  assert.ok(decoded > 1000);
});

test('a decoder closes twice and refuses packets afterwards', async () => {
  const decoder = await OpusDecoder.open();
  await decoder.close();
  await decoder.close();
  assert.throws(() => decoder.decode(frameOf(31)), { code: 'codec_failed' });
});
