import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metrics } from '../metrics.ts';
import { FrameSocket } from './frame-socket.ts';

function open() {
  const rig = { backlogBytes: 0, sent: [] as number[], metrics: new Metrics() };
  const socket = new FrameSocket({
    write: ({ frame }) => rig.sent.push(frame),
    backlogBytes: () => rig.backlogBytes,
    maxBacklogBytes: 1000,
    metrics: rig.metrics,
  });
  const send = (frame: number) =>
    socket.sendVideo({ data: new Uint8Array(1), timestamp: frame * 3600, isKeyFrame: frame % 25 === 0 });
  return Object.assign(rig, { socket, send });
}

test('the first picture of a client is a key frame', () => {
  const { send, sent, metrics } = open();
  for (let frame = 20; frame < 28; frame += 1) send(frame);
  assert.deepEqual(sent, [25, 26, 27]);
  assert.equal(metrics.counter('frames_dropped_slow_client').value, 0);
});

test('a client that reads too slowly misses pictures up to a key frame for which there is room, and they are counted', () => {
  const rig = open();
  for (let frame = 0; frame < 100; frame += 1) {
    if (frame === 10) rig.backlogBytes = 1001;
    if (frame === 60) rig.backlogBytes = 1000;
    rig.send(frame);
  }
  assert.deepEqual(rig.sent, [...Array(10).keys(), ...Array.from({ length: 25 }, (_, i) => 75 + i)]);
  assert.equal(rig.metrics.counter('frames_dropped_slow_client').value, 65);
});

test('a closed socket sends nothing', async () => {
  const { socket, send, sent } = open();
  send(0);
  await socket.close();
  await socket.close();
  send(25);
  assert.deepEqual(sent, [0]);
});
