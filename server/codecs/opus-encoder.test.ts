import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHUNK_SAMPLES } from '../audio/pcm.ts';
import { OpusDecoder } from './opus-decoder.ts';
import { OPUS_DELAY_SAMPLES, OpusEncoder } from './opus-encoder.ts';

const SILENCE = new Float32Array(CHUNK_SAMPLES);

/** `chunks` chunks of a voice-like sound: 20 harmonics of a gliding tone, swelling four times a second. */
function voice(chunks: number): Float32Array {
  const samples = new Float32Array(chunks * CHUNK_SAMPLES);
  let turns = 0;
  for (let i = 0; i < samples.length; i++) {
    const second = i / 48_000;
    turns += (130 + 30 * Math.sin(second * 4)) / 48_000;
    let sum = 0;
    for (let h = 1; h <= 20; h++) sum += Math.sin(2 * Math.PI * turns * h) / h;
    samples[i] = 0.15 * sum * Math.sin(Math.PI * 4 * second) ** 2;
  }
  return samples;
}

/** Encodes and decodes; the answer is as long as the input. */
async function roundTrip(sound: Float32Array): Promise<{ heard: Float32Array; sizes: number[] }> {
  const encoder = await OpusEncoder.open();
  const decoder = await OpusDecoder.open();
  const heard = new Float32Array(sound.length);
  const sizes: number[] = [];
  for (let at = 0; at < sound.length; at += CHUNK_SAMPLES) {
    const packet = encoder.encode(sound.subarray(at, at + CHUNK_SAMPLES), at);
    assert.equal(packet.timestamp, at);
    assert.equal(packet.isKeyFrame, true);
    sizes.push(packet.data.length);
    heard.set(decoder.decode(packet.data), at);
  }
  await encoder.close();
  await decoder.close();
  return { heard, sizes };
}

/** Shift in samples at which `heard` is most like `sound`, and how like it then is (1 = the same but for its loudness). */
function bestShift(sound: Float32Array, heard: Float32Array, maxShift: number): { shift: number; likeness: number } {
  let best = { shift: -1, likeness: -1 };
  for (let shift = 0; shift <= maxShift; shift++) {
    let product = 0;
    let energyA = 0;
    let energyB = 0;
    for (let i = 0; i + shift < heard.length; i++) {
      product += sound[i] * heard[i + shift];
      energyA += sound[i] ** 2;
      energyB += heard[i + shift] ** 2;
    }
    const likeness = product / Math.sqrt(energyA * energyB);
    if (likeness > best.likeness) best = { shift, likeness };
  }
  return best;
}

test('sound comes back OPUS_DELAY_SAMPLES later, and much like it went in', async () => {
  const sound = voice(25);
  const { heard } = await roundTrip(sound);
  const { shift, likeness } = bestShift(sound, heard, 400);
  assert.ok(Math.abs(shift - OPUS_DELAY_SAMPLES) <= 1, `delayed by ${shift} samples`);
  assert.ok(likeness > 0.97, `likeness ${likeness}`);
});

test('silence of a second costs 3 bytes a packet, the same bytes each time, and decodes to zeros', async () => {
  const sound = new Float32Array(90 * CHUNK_SAMPLES);
  sound.set(voice(20));
  const { heard, sizes } = await roundTrip(sound);
  assert.deepEqual(new Set(sizes.slice(70)), new Set([3]));
  assert.ok(heard.subarray(70 * CHUNK_SAMPLES).every((s) => Math.abs(s) < 1e-4));
});

test('a settled encoder answers silence with one shared packet', async () => {
  const encoder = await OpusEncoder.open();
  const packets = Array.from({ length: 20 }, (_, i) => encoder.encode(SILENCE, i * CHUNK_SAMPLES));
  await encoder.close();
  assert.equal(packets[19].data, packets[18].data);
  assert.equal(packets[19].timestamp, 19 * CHUNK_SAMPLES);
});

test('speech after a long silence sounds like speech after a short one: no click, nothing lost', async () => {
  const speech = voice(25);
  const after = async (silentChunks: number) => {
    const sound = new Float32Array((50 + silentChunks) * CHUNK_SAMPLES);
    sound.set(speech);
    sound.set(speech, (25 + silentChunks) * CHUNK_SAMPLES);
    return (await roundTrip(sound)).heard.slice((25 + silentChunks) * CHUNK_SAMPLES);
  };
  // 8 silent chunks all pass through the encoder; of 500, most are answered without it.
  const [short, long] = [await after(8), await after(500)];
  const first = 2 * CHUNK_SAMPLES;
  assert.ok(bestShift(speech, long, 400).likeness > 0.97);
  for (let i = 0; i < first; i++)
    assert.ok(Math.abs(short[i] - long[i]) < 0.02, `sample ${i}: ${short[i]} and ${long[i]}`);
});

test('the mean rate of speech stays near the one asked for', async () => {
  const { sizes } = await roundTrip(voice(250));
  const rateBps = (sizes.reduce((a, b) => a + b) * 8) / (sizes.length * 0.02);
  assert.ok(rateBps > 20_000 && rateBps < 40_000, `${rateBps} bit/s`);
});

test('a chunk of another length and a call after close are refused', async () => {
  const encoder = await OpusEncoder.open({ bitrateBps: 24_000 });
  assert.throws(() => encoder.encode(new Float32Array(480), 0), RangeError);
  await encoder.close();
  await encoder.close();
  assert.throws(() => encoder.encode(SILENCE, 0), { code: 'codec_failed' });
  await assert.rejects(OpusEncoder.open({ bitrateBps: 1 }), RangeError);
});
