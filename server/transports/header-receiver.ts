import { type RTCDtlsTransport, type RTCRtpReceiver, RtpHeader, RtpPacket } from 'werift';
import { readRtpHeader } from './rtp-header.ts';

/** SRTP's AEAD_AES_128_GCM (RFC 7714 §14.2); its signature is longer than that of the other ciphers. */
const GCM_PROFILE = 7;
const GCM_TAG_BYTES = 16;
const TAG_BYTES = 10;

/** A packet whose payload is still ciphered: of its length, and nothing more, can be made use of. */
export class CipheredPacket extends RtpPacket {
  /** Whoever gets it reads it at once. */
  override clone(): this {
    return this;
  }
}

/**
 * Hands media on with its payload ciphered as it came: headers are in the clear (RFC 3711 §3.1). Deciphering, checking and
 * copying is most of what receiving costs. Reports and requests for repetitions go out as ever, because the library's
 * receivers count these packets too. RTCP, repetitions (whose payload says what they repeat), padded packets and whatever is
 * not media go the library's way.
 *
 * Nothing is authenticated here: for benches and tests, where the network is this machine.
 */
export class HeaderReceiver {
  readonly #transport: RTCDtlsTransport;
  readonly #receiverOf: (payloadType: number) => RTCRtpReceiver | null;
  readonly #loses: (header: RtpHeader) => boolean;
  readonly #packet = new CipheredPacket(new RtpHeader(), Buffer.alloc(0));

  /**
   * @param receiverOf The receiver of media of that type; null if its next packet is to be deciphered. Asked once per packet.
   * @param loses Says which of the packets handed on here get lost instead.
   */
  constructor(
    transport: RTCDtlsTransport,
    receiverOf: (payloadType: number) => RTCRtpReceiver | null,
    loses: (header: RtpHeader) => boolean = () => false,
  ) {
    this.#transport = transport;
    this.#receiverOf = receiverOf;
    this.#loses = loses;
    const { onData } = transport.iceTransport.connection;
    const deliver = onData.execute;
    onData.execute = (datagram) => {
      if (!this.#take(datagram)) deliver(datagram);
    };
  }

  #take(datagram: Buffer): boolean {
    const fields = this.#transport.srtpStarted ? readRtpHeader(datagram) : null;
    if (!fields || fields.isPadded) return false;
    const { payloadType, marker, sequenceNumber, timestamp, ssrc, headerBytes } = fields;
    const receiver = this.#receiverOf(payloadType);
    const context = this.#transport.srtp.remoteContext;
    const payloadEnd = datagram.length - (context.profile === GCM_PROFILE ? GCM_TAG_BYTES : TAG_BYTES);
    if (!receiver || payloadEnd < headerBytes) return false;
    // The cipher counts the wraps of the sequence number; what it is not shown it would not know of later.
    context.updateRolloverCount(sequenceNumber, context.getSrtpSsrcState(ssrc));
    const packet = this.#packet;
    Object.assign(packet.header, { payloadType, marker, sequenceNumber, timestamp, ssrc });
    packet.payload = datagram.subarray(headerBytes, payloadEnd);
    if (!this.#loses(packet.header)) receiver.handleRtpBySsrc(packet, {});
    return true;
  }
}
