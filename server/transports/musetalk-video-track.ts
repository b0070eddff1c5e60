import { H264Packetizer, MediaStreamTrack, type RtpPacket, Vp8Packetizer } from 'werift';
import type { VideoCodec } from '../codecs/packet.ts';
import type { Timers } from '../timers.ts';
import { Pacer } from './pacer.ts';

/**
 * Bytes of codec data per RTP packet. With RTP header, extensions, SRTP tag, retransmission header, UDP and IPv6 this stays
 * below the 1280 bytes that every path carries, with room for a TURN channel.
 */
const MAX_PAYLOAD_BYTES = 1180;
/** Sequence numbers start in the lower half, so that a loss at the very start cannot be taken for a wrap (RFC 3711 §3.3.1). */
export const MAX_FIRST_SEQUENCE_NUMBER = 2 ** 15;

/** The track that a session's pictures go out on: cuts them into RTP packets and paces the large ones. */
export class MuseTalkVideoTrack extends MediaStreamTrack {
  readonly videoCodec: VideoCodec;
  readonly #packetizer: H264Packetizer | Vp8Packetizer;
  readonly #pacer: Pacer<RtpPacket>;

  constructor(codec: VideoCodec, timers: Timers) {
    super({ kind: 'video' });
    this.videoCodec = codec;
    const sequenceNumber = Math.floor(Math.random() * MAX_FIRST_SEQUENCE_NUMBER);
    const options = { maxPayloadSize: MAX_PAYLOAD_BYTES, sequenceNumber };
    this.#packetizer =
      codec === 'H264' ? new H264Packetizer({ ...options, inputFormat: 'annexb' }) : new Vp8Packetizer(options);
    // To the sender at once: `writeRtp` copies each packet twice, for tracks that share a source.
    this.#pacer = new Pacer((packet) => this.onReceiveRtp.execute(packet), timers);
  }

  /**
   * Sends one encoded picture. Returns before a large one has left completely; that takes at most 20 ms.
   *
   * @param picture H.264 access unit (Annex B) or VP8 frame. Shared: the packets refer to it until they are sent and forgotten.
   * @returns How many RTP packets it makes.
   */
  sendPicture(picture: Uint8Array, rtpTimestamp: number): number {
    const data = Buffer.from(picture.buffer, picture.byteOffset, picture.byteLength);
    const packets = this.#packetizer.packetize(data, rtpTimestamp);
    this.#pacer.push(packets);
    return packets.length;
  }

  /** Ends the track and forgets what waits. Idempotent. */
  end(): void {
    this.#pacer.close();
    this.stop();
  }
}
