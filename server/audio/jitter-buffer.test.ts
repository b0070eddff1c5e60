import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JitterBuffer, type OpusRtpPacket } from './jitter-buffer.ts';

/** One 20 ms frame of CELT. */
const PAYLOAD = Uint8Array.of(31 << 3, 1, 2, 3);

function packet(index: number, change: Partial<OpusRtpPacket> = {}): OpusRtpPacket {
  return {
    payload: PAYLOAD,
    sequenceNumber: (65_534 + index) & 0xffff,
    timestamp: (0xffff_fc40 + index * 960) >>> 0,
    arrivedMs: 1000 + index * 20,
    ...change,
  };
}

/** What comes out, in short: `p` and the packet's place, or `loss`/`pause` and its length in packets. */
function drain(buffer: JitterBuffer): string[] {
  const items: string[] = [];
  for (let item = buffer.next(); item; item = buffer.next()) {
    const place = ((item.start - 0xffff_fc40) | 0) / 960;
    const what = item.kind === 'packet' ? 'p' : item.isLoss ? 'loss' : 'pause';
    items.push(item.kind === 'packet' ? `p${place}` : `${what}${item.durationSamples / 960}@${place}`);
  }
  return items;
}

test('packets come out in order across the wrap of number and time stamp, whatever order they came in', () => {
  const buffer = new JitterBuffer(500);
  for (const index of [1, 0, 3, 2, 5, 4]) assert.notEqual(buffer.push(packet(index)), 'invalid');
  assert.deepEqual(drain(buffer), ['p0', 'p1', 'p2', 'p3', 'p4', 'p5']);
  assert.equal(buffer.lostPackets, 0);
});

test('a duplicate is told apart from a late packet, before and after it was read', () => {
  const buffer = new JitterBuffer(500);
  buffer.push(packet(0));
  assert.equal(buffer.push(packet(0)), 'duplicate');
  buffer.push(packet(2));
  assert.deepEqual(drain(buffer), ['p0', 'loss1@1', 'p2']);
  assert.equal(buffer.push(packet(2)), 'duplicate');
  assert.equal(buffer.push(packet(1)), 'late');
  assert.equal(buffer.latePackets, 1);
  assert.equal(buffer.lostPackets, 1);
});

test('a jump of the time stamp without missing numbers is a pause, with missing numbers a loss', () => {
  const buffer = new JitterBuffer(5000);
  buffer.push(packet(0));
  buffer.push(packet(20, { sequenceNumber: 65_535 }));
  buffer.push(packet(23, { sequenceNumber: 2 }));
  assert.deepEqual(drain(buffer), ['p0', 'pause19@1', 'p20', 'loss2@21', 'p23']);
  assert.equal(buffer.lostPackets, 2);
});

test('when more than its capacity waits, the oldest go and are counted', () => {
  const buffer = new JitterBuffer(100);
  for (let index = 0; index < 12; index += 1) buffer.push(packet(index));
  assert.equal(buffer.bufferedSamples, 100 * 48);
  assert.equal(buffer.overflowSamples, 7 * 960);
  assert.deepEqual(drain(buffer), ['p7', 'p8', 'p9', 'p10', 'p11']);
});

test('another sender, time stamps that go back, and a clock that jumps begin a new stream', () => {
  const restarts: Partial<OpusRtpPacket>[] = [
    { ssrc: 2 },
    { timestamp: 0xffff_0000 },
    { timestamp: (0xffff_fc40 + 48_000 * 3600) >>> 0 },
    { arrivedMs: 60_000 },
  ];
  for (const change of restarts) {
    const buffer = new JitterBuffer(500);
    buffer.push(packet(0, { ssrc: 1 }));
    buffer.push(packet(1, { ssrc: 1 }));
    assert.equal(buffer.push(packet(2, { ssrc: 1, ...change })), 'restarted', JSON.stringify(change));
    assert.equal(buffer.bufferedSamples, 960);
    assert.equal(buffer.next()?.kind, 'packet');
    assert.equal(buffer.lostPackets, 0);
  }
});

test('one packet with a foreign number changes nothing, two begin a new stream', () => {
  const buffer = new JitterBuffer(500);
  buffer.push(packet(0));
  assert.equal(buffer.push(packet(1, { sequenceNumber: 30_000 })), 'invalid');
  assert.equal(buffer.push(packet(1)), 'taken');
  assert.equal(buffer.push(packet(2, { sequenceNumber: 30_001 })), 'invalid');
  assert.equal(buffer.push(packet(3, { sequenceNumber: 30_002 })), 'restarted');
});

test('a pause of an hour with time stamps that went on is a pause', () => {
  const buffer = new JitterBuffer(500);
  buffer.push(packet(0));
  assert.deepEqual(drain(buffer), ['p0']);
  assert.equal(buffer.push(packet(180_000, { sequenceNumber: 65_535 })), 'taken');
  assert.deepEqual(drain(buffer), ['pause179999@1', 'p180000']);
});

test('what is no Opus is refused', () => {
  const buffer = new JitterBuffer(500);
  assert.equal(buffer.push(packet(0, { payload: new Uint8Array(0) })), 'invalid');
  // Code 3 with 63 frames of 20 ms is longer than the 120 ms that a packet may hold.
  assert.equal(buffer.push(packet(0, { payload: Uint8Array.of((31 << 3) | 3, 63) })), 'invalid');
  assert.equal(buffer.next(), null);
});

test('after clear the stream goes on with the next packet, without a loss', () => {
  const buffer = new JitterBuffer(500);
  for (let index = 0; index < 5; index += 1) buffer.push(packet(index));
  buffer.clear();
  assert.equal(buffer.bufferedSamples, 0);
  buffer.push(packet(5));
  assert.deepEqual(drain(buffer), ['p5']);
  assert.equal(buffer.lostPackets, 0);
});

test('ten hours of numbers and time stamps wrap without a seam', () => {
  const buffer = new JitterBuffer(500);
  for (let index = 0; index < 10 * 3600 * 50; index += 1) {
    assert.equal(buffer.push(packet(index)), index === 0 ? 'restarted' : 'taken');
    const item = buffer.next();
    if (item?.kind !== 'packet') assert.fail(`packet ${index} came out as ${item?.kind}`);
    if ((item.start - 0xffff_fc40) / 960 !== index) assert.fail(`packet ${index} lies at ${item.start}`);
  }
});
