import { FF_DECODER_H264, FF_DECODER_VP8 } from 'node-av/constants';
import { Frame as AvFrame, Packet as AvPacket, Codec, CodecContext } from 'node-av/lib';
import { check, readI420, setOptions } from './ffmpeg.ts';
import type { Frame } from './frame.ts';
import type { Packet, VideoCodec } from './packet.ts';

/** What a viewer would see: the pictures in `packets`, which begin with a key frame. For tests and tools; it blocks while it decodes. */
export async function decodeVideo(codecName: VideoCodec, packets: readonly Packet[]): Promise<Frame[]> {
  const codec = Codec.findDecoderByName(codecName === 'H264' ? FF_DECODER_H264 : FF_DECODER_VP8)!;
  const context = new CodecContext();
  context.allocContext3(codec);
  context.threadCount = 1;
  // What is not as it should be is an error, and not mended in silence.
  setOptions(context, { err_detect: 'explode' });
  check(await context.open2(codec, null), 'opening a decoder');
  const packet = new AvPacket();
  packet.alloc();
  const picture = new AvFrame();
  picture.alloc();
  const frames: Frame[] = [];
  const drain = () => {
    while (context.receiveFrameSync(picture) >= 0) {
      frames.push(readI420(picture));
      picture.unref();
    }
  };
  for (const { data, timestamp } of packets) {
    packet.data = Buffer.from(data);
    packet.pts = BigInt(timestamp);
    check(context.sendPacketSync(packet), 'decoding a packet');
    packet.unref();
    drain();
  }
  context.sendPacketSync(null);
  drain();
  context.freeContext();
  packet.free();
  picture.free();
  return frames;
}
