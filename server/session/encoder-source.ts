import type { Frame } from '../codecs/frame.ts';
import type { Packet, VideoCodec } from '../codecs/packet.ts';

/** What a session needs of a video encoder (codecs/video-encoder.ts). */
export interface PictureEncoder {
  encode(frame: Frame, options: { frameIndex: number; keyFrame: boolean }): Promise<Packet>;
  setBitrate(bitsPerSecond: number): void;
  close(): Promise<void>;
}

/** What a session needs of a sound encoder (codecs/opus-encoder.ts). */
export interface SoundEncoder {
  encode(samples: Float32Array, startSample: number): Packet;
  close(): void | Promise<void>;
}

export interface PictureEncoderOptions {
  readonly codec: VideoCodec;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly framesPerSecond: number;
  readonly bitrateBps: number;
}

/** Where sessions get their encoders from; whoever opens one closes it. */
export interface EncoderSource {
  openVideo(options: PictureEncoderOptions): Promise<PictureEncoder>;
  openOpus(options: { bitrateBps: number }): Promise<SoundEncoder>;
}
