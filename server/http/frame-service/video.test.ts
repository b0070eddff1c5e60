import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { decodeVideo } from '../../codecs/decode-video.ts';
import { VideoEncoder } from '../../codecs/video-encoder.ts';
import type { EncoderSource } from '../../session/encoder-source.ts';
import { FakeEncoders } from '../../testing/fakes.ts';
import type { FrameClient } from '../../testing/frame-client.ts';
import { type FrameRig, openFrameRig } from '../../testing/frame-rig.ts';

let rig: FrameRig;
afterEach(() => rig.close());

const ENCODERS: EncoderSource = {
  openVideo: (options) => VideoEncoder.open(options),
  openOpus: () => Promise.reject(new Error('nobody wants sound')),
};

/** Types of the NAL units of an access unit in Annex B form (ITU-T H.264 Annex B and table 7-1). */
function nalTypes(data: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 3 < data.length; at += 1) {
    if (data[at] === 0 && data[at + 1] === 0 && data[at + 2] === 1) types.push(data[at + 3] & 31);
  }
  return types;
}

const pictures = (client: FrameClient) =>
  client.frames.map(({ data }) => Buffer.from(String(data.frame_data), 'base64'));

test('the H.264 decodes without an error through idle loop, speech, action and idle again, with an IDR every second', async () => {
  rig = await openFrameRig({ encoders: ENCODERS, loopBitrateBps: 300_000 });
  const client = await rig.session();
  // Long enough to be put on the loop that sessions share.
  await client.until(() => rig.metrics.counter('frames_from_loop').value > 10);
  client.generate(800, { video_state: { type: 'speaking', base_video: 'speaking_0' } });
  await client.until(() => client.frames.some(({ data }) => Number(data.audio_timestamp) >= 700));
  client.say('ACTION', { action_index: 1 });
  await client.until(() => client.frames.filter(({ type }) => type === 'ACTION_FRAME').length === 5);
  await client.untilFrames(client.frames.length + 50);

  const units = pictures(client);
  const keys = units.flatMap((unit, i) => (nalTypes(unit).includes(5) ? [i] : []));
  assert.equal(keys[0], 0);
  for (const [i, at] of keys.entries()) {
    assert.ok(i === 0 || at - keys[i - 1] <= 25, `${at - keys[i - 1]} pictures between key frames`);
    const types = nalTypes(units[at]);
    assert.deepEqual(types.slice(0, 2), [7, 8], 'SPS and PPS come first');
    assert.ok(types.indexOf(5) > 1);
  }
  const packets = units.map((data, i) => ({ data, timestamp: i * 3600, isKeyFrame: keys.includes(i) }));
  const decoded = await decodeVideo('H264', packets);
  assert.equal(decoded.length, units.length);
  assert.deepEqual([decoded[0].widthPx, decoded[0].heightPx], [16, 16]);
  assert.deepEqual(
    client.frames.map(({ data }) => data.frame_timestamp),
    client.frames.map((_, i) => 40 * i),
  );
});

test('a client that stops reading costs no more memory than its buffer, is counted, and picks the video up at a key frame', async () => {
  // Pictures of 100 kB, so that the system's own socket buffers are full within a second or two.
  const encoders = new FakeEncoders();
  encoders.pictureBytes = 100_000;
  rig = await openFrameRig({ encoders, sendBufferBytes: 300_000 });
  const [client, other] = [await rig.session(), await rig.session()];
  await client.untilFrames(3);
  client.socket.pause();
  const dropped = rig.metrics.counter('frames_dropped_slow_client');
  await other.until(() => dropped.value >= 30);
  const [socket] = [...rig.app.websocketServer.clients];
  assert.ok(socket.bufferedAmount < 300_000 + 2 * 140_000, `${socket.bufferedAmount} bytes wait`);
  client.socket.resume();
  const before = client.frames.length;
  await client.until(() => {
    const times = client.frames.map(({ data }) => Number(data.frame_timestamp));
    const gap = times.findIndex((at, i) => i > 0 && at - times[i - 1] > 40);
    return gap >= before - 1 && gap >= 0 && times.length > gap + 5;
  });
  const times = client.frames.map(({ data }) => Number(data.frame_timestamp));
  const gap = times.findIndex((at, i) => i > 0 && at - times[i - 1] > 40);
  assert.equal(pictures(client)[gap][1], 1, 'a key frame');
  const otherTimes = other.frames.map(({ data }) => data.frame_timestamp);
  assert.deepEqual(
    otherTimes,
    otherTimes.map((_, i) => 40 * i),
    'the other client missed nothing',
  );
});
