import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  GenericNack,
  ReceiverEstimatedMaxBitrate,
  RtcpPacketConverter,
  RtcpPayloadSpecificFeedback,
  RtcpTransportLayerFeedback,
} from 'werift';
import { readCompoundsSafely } from './rtcp-compounds.ts';
import { bandwidthReport, pictureLoss } from './viewer-feedback.ts';

readCompoundsSafely();

/** RFC 4585 §6.2.1: packet 17142 and, by the bit mask, the second one after it. */
const NACK = Buffer.from('81cd00030000000100000002' + '42f60002', 'hex');
const REMB = bandwidthReport(1, 2, 600_000).serialize();
const PLI = pictureLoss(1, 2).serialize();

function read(...packets: Buffer[]) {
  return RtcpPacketConverter.deSerialize(Buffer.concat(packets)).map((packet) => {
    assert.ok(packet instanceof RtcpTransportLayerFeedback || packet instanceof RtcpPayloadSpecificFeedback);
    return packet.feedback;
  });
}

test('an acknowledgement of loss ends where the bandwidth estimate behind it begins', () => {
  const [nack, estimate, ...more] = read(NACK, REMB);
  assert.ok(nack instanceof GenericNack);
  assert.deepEqual(nack.lost, [17_142, 17_144]);
  assert.ok(estimate instanceof ReceiverEstimatedMaxBitrate);
  assert.equal(Number(estimate.bitrate), 600_000);
  assert.deepEqual(more, []);
});

test('packets of all kinds are read in their order', () => {
  const kinds = read(PLI, NACK, REMB, NACK).map((feedback) => feedback.constructor.name.replace(/^_/, ''));
  assert.deepEqual(kinds, ['PictureLossIndication', 'GenericNack', 'ReceiverEstimatedMaxBitrate', 'GenericNack']);
});

test('lost packets are counted on from 65535 to 0', () => {
  const nack = Buffer.from(NACK);
  nack.writeUInt16BE(65_534, 12);
  nack.writeUInt16BE(0b11, 14);
  const [feedback] = read(nack);
  assert.ok(feedback instanceof GenericNack);
  assert.deepEqual(feedback.lost, [65_534, 65_535, 0]);
});

test('a packet that is cut off is passed over, and those before it are read', () => {
  assert.equal(read(NACK, REMB.subarray(0, REMB.length - 4)).length, 1);
  assert.equal(read(NACK, Buffer.from([0x81])).length, 1);
});
