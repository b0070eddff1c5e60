import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRtpHeader } from './rtp-header.ts';

const FIXED = [0x80, 0xe1, 0xff, 0xfe, 0x80, 0x00, 0x00, 0x01, 0xde, 0xad, 0xbe, 0xef];
const PAYLOAD = [0x7c, 0x85, 0x55, 0x55, 0x55];

/** The packet with other bytes at its beginning, and `more` behind the fixed header. */
function packet(begins: readonly number[] = [], more: readonly number[] = []): Uint8Array {
  return Uint8Array.from([...begins, ...FIXED.slice(begins.length), ...more, ...PAYLOAD]);
}

test('the fixed header is read whole, also where the highest bits are set', () => {
  assert.deepEqual(readRtpHeader(packet()), {
    payloadType: 97,
    marker: true,
    sequenceNumber: 65_534,
    timestamp: 2_147_483_649,
    ssrc: 3_735_928_559,
    isPadded: false,
    headerBytes: 12,
  });
});

test('the payload begins behind contributing sources and header extensions', () => {
  const sources = [1, 2, 3, 4, 5, 6, 7, 8];
  const extensions = [0xbe, 0xde, 0, 2, 0x10, 0x30, 0x22, 1, 2, 3, 0, 0];
  assert.equal(readRtpHeader(packet([0x82], sources))?.headerBytes, 12 + 8);
  assert.equal(readRtpHeader(packet([0x90], extensions))?.headerBytes, 12 + 12);
  assert.equal(readRtpHeader(packet([0x92], [...sources, ...extensions]))?.headerBytes, 12 + 8 + 12);
  assert.equal(readRtpHeader(packet([0x90], [0xbe, 0xde, 0, 0]))?.headerBytes, 12 + 4);
});

test('padding is told, a missing marker too', () => {
  const header = readRtpHeader(packet([0xa0, 0x61]));
  assert.deepEqual([header?.isPadded, header?.marker, header?.payloadType], [true, false, 97]);
});

test('RTCP, DTLS, STUN and what is cut off are no RTP', () => {
  for (const type of [192, 200, 201, 205, 206, 223]) assert.equal(readRtpHeader(packet([0x80, type])), null);
  for (const first of [0x00, 0x16, 0x40, 0xc0]) assert.equal(readRtpHeader(packet([first])), null);
  assert.equal(readRtpHeader(packet().subarray(0, 11)), null);
  assert.equal(readRtpHeader(packet([0x8f])), null);
  assert.equal(readRtpHeader(packet([0x90], [0xbe, 0xde, 0, 9])), null);
  assert.equal(readRtpHeader(packet([0x90]).subarray(0, 14)), null);
  assert.equal(readRtpHeader(new Uint8Array(0)), null);
});
