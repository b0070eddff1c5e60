import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Packet } from '../codecs/packet.ts';
import { silentLog } from '../log.ts';
import { Metrics } from '../metrics.ts';
import { FakeEncoders, FakeTransport } from '../testing/fakes.ts';
import { ManualTimers } from '../testing/manual-timers.ts';
import { Encoding } from './encoding.ts';
import { IdleLoops } from './idle-loops.ts';

/** An encoding with one viewer whose encoder finishes a picture when the test says so. */
function openEncoding() {
  const timers = new ManualTimers(1000);
  const metrics = new Metrics();
  const finish: (() => void)[] = [];
  const encoding = new Encoding({
    codec: 'H264',
    encoder: {
      encode: (_frame, { frameIndex, keyFrame }) =>
        new Promise<Packet>((resolve) => {
          const packet = { data: Uint8Array.of(1, 2, 3), timestamp: frameIndex * 3600, isKeyFrame: keyFrame };
          finish.push(() => resolve(packet));
        }),
      setBitrate: () => {},
      close: async () => {},
    },
    loops: new IdleLoops(new FakeEncoders(), 500_000, silentLog()),
    settings: {
      startBitrateBps: 500_000,
      minBitrateBps: 150_000,
      maxBitrateBps: 2_500_000,
      keyFrameIntervalMinMs: 500,
    },
    isConnected: () => true,
    timers,
    metrics,
    log: silentLog(),
  });
  const viewer = new FakeTransport();
  encoding.viewers.add(viewer);
  return { timers, metrics, encoding, viewer, finish };
}

const picture = { widthPx: 16, heightPx: 16, data: new Uint8Array(384) };

test('a picture that is encoded in time leaves with its sound, one that is not leaves later by what is measured', async () => {
  const { timers, metrics, encoding, viewer, finish } = openEncoding();
  const shown = [0, 1].map((frame) => encoding.show(frame, picture, null));
  finish[0]();
  await shown[0];
  assert.equal(encoding.waitingPictures, 1);
  encoding.send(0);
  assert.equal(viewer.video.length, 1);
  await timers.advance(40);
  encoding.send(1, [900, 920]);
  assert.equal(viewer.video.length, 1);
  await timers.advance(15);
  finish[1]();
  await shown[1];
  assert.deepEqual(
    viewer.video.map(({ timestamp }) => timestamp),
    [0, 3600],
  );
  assert.deepEqual(metrics.histogram('picture_after_sound_ms').total, { count: 2, sum: 15 });
  // Its sound came at 900 and 920, and it left at 1055.
  assert.deepEqual(metrics.histogram('arrival_to_sent_ms').total, { count: 2, sum: 155 + 135 });
  assert.equal(metrics.counter('encodes_late').value, 1);
  assert.equal(encoding.waitingPictures, 0);
  await encoding.close();
});

test('the bit rate follows the slowest viewer', async () => {
  const { encoding, viewer } = openEncoding();
  assert.equal(encoding.bitrateBps, 500_000);
  encoding.setEstimate(viewer, 1_000_000);
  encoding.setEstimate(new FakeTransport(), 2_000_000);
  assert.equal(encoding.bitrateBps, 810_000);
  encoding.remove(viewer);
  await encoding.close();
});
