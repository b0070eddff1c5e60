import { type RTCRtpTransceiver, RTP_EXTENSION_URI, RtpHeader, serializeSdesMid } from 'werift';
import { CHUNK_SAMPLES, SAMPLE_RATE_HZ } from '../audio/pcm.ts';
import { fixSenderReports, RtpClock } from './sender-reports.ts';

/** What the library's sender counts for its reports. */
interface Counters {
  packetCount: number;
  octetCount: number;
  rtpTimestamp: number;
}

/**
 * Sends a viewer's microphone. The same packets and reports go out as by way of a track of the library, which copies each
 * packet several times and describes it anew. That costs about as much as receiving pictures by their headers.
 */
export class SoundSender {
  readonly #transceiver: RTCRtpTransceiver;
  readonly #clock = new RtpClock(SAMPLE_RATE_HZ, 0);
  readonly #header = new RtpHeader();
  readonly #epochMs: () => number;
  #originEpochMs = Number.NaN;
  readonly #counters: Counters = { packetCount: 0, octetCount: 0, rtpTimestamp: 0 };

  /** @param epochMs The wall clock, which is looked at once, when the first packet leaves. */
  constructor(transceiver: RTCRtpTransceiver, epochMs: () => number = Date.now) {
    this.#transceiver = transceiver;
    this.#epochMs = epochMs;
    fixSenderReports(transceiver.sender, this.#clock, () => this.#originEpochMs);
  }

  /** Sends 20 ms, or drops it while there is no connection. @param opus One Opus packet, borrowed. */
  send(opus: Uint8Array): void {
    const { sender, codecs } = this.#transceiver;
    const payloadType = codecs[0]?.payloadType;
    if (sender.dtlsTransport?.state !== 'connected' || payloadType === undefined) return;
    const counters = this.#counters;
    const header = this.#header;
    if (counters.packetCount === 0) this.#begin();
    header.payloadType = payloadType;
    header.sequenceNumber = (header.sequenceNumber + 1) & 0xffff;
    header.timestamp = this.#clock.stamp(counters.packetCount * CHUNK_SAMPLES);
    counters.packetCount += 1;
    counters.octetCount += opus.byteLength;
    counters.rtpTimestamp = header.timestamp;
    Object.assign(sender, counters);
    void sender.dtlsTransport.sendRtp(Buffer.from(opus.buffer, opus.byteOffset, opus.byteLength), header);
    void sender.runRtcp();
  }

  #begin(): void {
    this.#originEpochMs = this.#epochMs();
    const { sender, headerExtensions, mid } = this.#transceiver;
    this.#header.ssrc = sender.ssrc;
    const id = headerExtensions.find(({ uri }) => uri === RTP_EXTENSION_URI.sdesMid)?.id;
    if (id !== undefined && mid) this.#header.extensions = [{ id, payload: serializeSdesMid(mid) }];
  }
}
