/** Video codecs that we encode, as named in SDP. */
export type VideoCodec = 'H264' | 'VP8';

/** Ticks of the RTP clock per video frame at 25 fps (RFC 6184 §8.2.1: 90 kHz). */
export const VIDEO_CLOCK_HZ = 90_000;
export const VIDEO_TICKS_PER_FRAME = 3600;

/** Encoded sound (one Opus packet) or one encoded picture (H.264 Annex B access unit, or VP8 frame). */
export interface Packet {
  /** Owned by whoever holds the packet; never written again, so several transports may send it. */
  readonly data: Uint8Array;
  /** Media time in ticks since the session began: 90 kHz for pictures, 48 kHz for sound. Not wrapped. */
  readonly timestamp: number;
  /** True if decoding can start here. Always true for sound. */
  readonly isKeyFrame: boolean;
}
