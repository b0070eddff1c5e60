/** What an RTP packet says of itself in the clear (RFC 3550 §5.1); SRTP ciphers only what follows (RFC 3711 §3.1). */
export interface RtpHeaderFields {
  readonly payloadType: number;
  /** With pictures: the last packet of one. */
  readonly marker: boolean;
  /** 16 bit, wraps. */
  readonly sequenceNumber: number;
  /** 32 bit, wraps. */
  readonly timestamp: number;
  readonly ssrc: number;
  /** Something was appended to the payload; how much says the last byte, which SRTP ciphers. */
  readonly isPadded: boolean;
  /** With contributing sources and extensions. */
  readonly headerBytes: number;
}

const FIXED_BYTES = 12;
const WORD_BYTES = 4;
const VERSION = 2;
/** RTCP on the same port: what would be marker and payload type lies in this range (RFC 5761 §4). */
const RTCP_TYPES = [192, 223] as const;

/** Reads the header of what a socket received. @param datagram Borrowed. @returns null if it is not RTP, or cut off. */
export function readRtpHeader(datagram: Uint8Array): RtpHeaderFields | null {
  if (datagram.length < FIXED_BYTES || datagram[0]! >> 6 !== VERSION) return null;
  const second = datagram[1]!;
  if (second >= RTCP_TYPES[0] && second <= RTCP_TYPES[1]) return null;
  const hasExtensions = (datagram[0]! & 0x10) !== 0;
  let headerBytes = FIXED_BYTES + (datagram[0]! & 0x0f) * WORD_BYTES;
  if (hasExtensions) {
    if (headerBytes + WORD_BYTES > datagram.length) return null;
    headerBytes += WORD_BYTES + ((datagram[headerBytes + 2]! << 8) | datagram[headerBytes + 3]!) * WORD_BYTES;
  }
  if (headerBytes > datagram.length) return null;
  return {
    payloadType: second & 0x7f,
    marker: (second & 0x80) !== 0,
    sequenceNumber: (datagram[2]! << 8) | datagram[3]!,
    timestamp: readUint32(datagram, 4),
    ssrc: readUint32(datagram, 8),
    isPadded: (datagram[0]! & 0x20) !== 0,
    headerBytes,
  };
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
