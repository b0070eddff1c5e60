import type { Packet, VideoCodec } from '../codecs/packet.ts';

/** What a transport tells the session that feeds it. */
export interface TransportEvents {
  /** The viewer cannot decode until the next key frame. */
  onKeyFrameRequest(): void;
  /** What the path to the viewer carries, in bit/s, audio included; at most a few times a second. */
  onBandwidth(bitsPerSecond: number): void;
  /** Connected: packets sent from now on arrive. */
  onConnected(): void;
  /** Gone for good; the transport has closed itself. Called once. */
  onClosed(reason: string): void;
}

/** Takes packets to one viewer. Sending on a transport that is not connected drops the packet. */
export interface Transport {
  /** Codec that the viewer takes; null if it wants no picture. */
  readonly videoCodec: VideoCodec | null;
  /** Whether the viewer wants sound. */
  readonly wantsAudio: boolean;
  /** A key frame at least every so many pictures, so that the viewer can go on after a gap by itself; left out: only on request. */
  readonly keyFrameEveryFrames?: number;
  /**
   * Ties media time to the wall clock, for RTCP sender reports. Called before the first packet, and again if the process was
   * held up for so long that media time had to stand still.
   *
   * @param originEpochMs Unix time in ms at which media time 0 is sent.
   */
  start(originEpochMs: number): void;
  sendVideo(packet: Packet): void;
  sendAudio(packet: Packet): void;
  /** Idempotent. */
  close(): Promise<void>;
}
