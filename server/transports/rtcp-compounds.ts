import { GenericNack, RtcpPacketConverter, RtcpTransportLayerFeedback } from 'werift';

const HEADER_BYTES = 4;
const WORD_BYTES = 4;

const { deSerialize } = RtcpPacketConverter;

/**
 * Replaces how the library reads RTCP that holds several packets (RFC 3550 §6.1). Its own way lets a negative
 * acknowledgement run on into the packets behind it: browsers send it together with their bandwidth estimate, which then
 * counts as fifty lost packets. Calling it again changes nothing.
 */
export function readCompoundsSafely(): void {
  Object.defineProperty(RtcpPacketConverter, 'deSerialize', { value: readCompound, configurable: true });
}

/** @param data Borrowed. Reading ends where a packet is cut off. */
function readCompound(data: Buffer): ReturnType<typeof deSerialize> {
  const packets: ReturnType<typeof deSerialize> = [];
  let at = 0;
  while (at + HEADER_BYTES <= data.length) {
    const end = at + HEADER_BYTES + data.readUInt16BE(at + 2) * WORD_BYTES;
    if (end > data.length) break;
    for (const packet of deSerialize.call(RtcpPacketConverter, data.subarray(at, end))) {
      if (packet instanceof RtcpTransportLayerFeedback && packet.feedback instanceof GenericNack) {
        // The library counts on past the largest sequence number.
        packet.feedback.lost = packet.feedback.lost.map((sequenceNumber) => sequenceNumber & 0xffff);
      }
      packets.push(packet);
    }
    at = end;
  }
  return packets;
}
