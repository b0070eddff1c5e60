import { type RTCRtpTransceiver, RTP_EXTENSION_URI, RtpHeader, serializeSdesMid } from 'werift';
import type { RtpClock } from './sender-reports.ts';

const SEQUENCE_MASK = 0xffff;

/** What the library's sender counts for its reports. */
interface Counters {
  packetCount: number;
  octetCount: number;
  rtpTimestamp: number;
}

/**
 * Sends the sound of one section. The same packets and reports go out as by way of a track of the library, which copies each
 * packet three times, describes it anew and keeps it, although nobody asks for sound again. That costs as much as ciphering it.
 */
export class SoundSender {
  readonly #transceiver: RTCRtpTransceiver;
  readonly #clock: RtpClock;
  readonly #header = new RtpHeader();
  readonly #counters: Counters = { packetCount: 0, octetCount: 0, rtpTimestamp: 0 };

  /** @param firstSequenceNumber 0 to 65 535. */
  constructor(transceiver: RTCRtpTransceiver, clock: RtpClock, firstSequenceNumber: number) {
    this.#transceiver = transceiver;
    this.#clock = clock;
    this.#header.sequenceNumber = firstSequenceNumber;
  }

  /**
   * Sends one packet, or drops it while there is no connection.
   *
   * @param opus Borrowed.
   * @param ticks Media time of its first sample, 48 kHz, not wrapped.
   */
  send(opus: Uint8Array, ticks: number): void {
    const { sender, codecs } = this.#transceiver;
    const payloadType = codecs[0]?.payloadType;
    const timestamp = this.#clock.stamp(ticks);
    if (sender.dtlsTransport?.state !== 'connected' || payloadType === undefined) return;
    const header = this.#header;
    const counters = this.#counters;
    if (counters.packetCount === 0) this.#begin();
    Object.assign(header, { payloadType, timestamp });
    void sender.dtlsTransport.sendRtp(Buffer.from(opus.buffer, opus.byteOffset, opus.byteLength), header);
    header.sequenceNumber = (header.sequenceNumber + 1) & SEQUENCE_MASK;
    counters.packetCount += 1;
    counters.octetCount += opus.byteLength;
    counters.rtpTimestamp = timestamp;
    Object.assign(sender, counters);
    void sender.runRtcp();
  }

  #begin(): void {
    const { sender, headerExtensions, mid } = this.#transceiver;
    this.#header.ssrc = sender.ssrc;
    const id = headerExtensions.find(({ uri }) => uri === RTP_EXTENSION_URI.sdesMid)?.id;
    if (id !== undefined && mid) this.#header.extensions = [{ id, payload: serializeSdesMid(mid) }];
  }
}
