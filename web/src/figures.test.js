import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FigureReader } from './figures.js';

/** A report as browsers give it, `seconds` into a call at 25 fps and 800 kbit/s. */
function report(/** @type {number} */ seconds, changes = {}) {
  return new Map(
    [
      { id: 'c', type: 'codec', mimeType: 'video/H264' },
      { id: 'p', type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.03 },
      {
        id: 'v',
        type: 'inbound-rtp',
        kind: 'video',
        codecId: 'c',
        timestamp: seconds * 1000,
        bytesReceived: seconds * 100_000,
        framesPerSecond: 25,
        framesDecoded: seconds * 25,
        totalDecodeTime: seconds * 25 * 0.002,
        jitterBufferDelay: seconds * 25 * 0.04,
        jitterBufferEmittedCount: seconds * 25,
        estimatedPlayoutTimestamp: 5020,
        packetsLost: 1,
        frameWidth: 512,
        frameHeight: 512,
        ...changes,
      },
      { id: 'a', type: 'inbound-rtp', kind: 'audio', packetsLost: 2, estimatedPlayoutTimestamp: 5000 },
    ].map((entry) => [entry.id, entry]),
  );
}

test('the delay from voice to lips is the sum of its parts', () => {
  const reader = new FigureReader();
  reader.read(report(1), { delay_ms: 150, jitter_buffer_ms: 20 }, 10);
  const { delayMs } = reader.read(report(2), { delay_ms: 150, jitter_buffer_ms: 20 }, 10);
  // Microphone 10, round trip 30, server 20 + 150, jitter buffer 40, decoding 2, screen 8.
  assert.equal(Math.round(delayMs ?? 0), 260);
});

test('without a microphone there is no delay to tell', () => {
  const reader = new FigureReader();
  reader.read(report(1), { delay_ms: 150 }, null);
  assert.equal(reader.read(report(2), { delay_ms: 150 }, null).delayMs, null);
});

test('new mouths are those that the server counts, and unknown in silence', () => {
  const reader = new FigureReader();
  assert.equal(reader.read(report(1), { mouths_per_second: 15 }, null).mouthsPerSecond, 15);
  assert.equal(reader.read(report(2), { mouths_per_second: null }, null).mouthsPerSecond, null);
});

test('the bit rate is taken between two readings', () => {
  const reader = new FigureReader();
  assert.equal(reader.read(report(1), {}, null).bitsPerSecond, null);
  assert.equal(reader.read(report(3), {}, null).bitsPerSecond, 800_000);
});

test('one odd reading does not move the offset between lips and sound', () => {
  const reader = new FigureReader();
  for (const playoutMs of [5020, 5020, 9000, 5020, 5020]) {
    reader.read(report(1, { estimatedPlayoutTimestamp: playoutMs }), {}, null);
  }
  assert.equal(reader.read(report(1), {}, null).offsetMs, 20);
});

test('packets lost are counted over picture and sound, and the codec has its usual name', () => {
  const { packetsLost, codec, size } = new FigureReader().read(report(1), {}, null);
  assert.deepEqual({ packetsLost, codec, size }, { packetsLost: 3, codec: 'H.264', size: '512 × 512' });
});
