import { OPUS_DELAY_SAMPLES } from '../codecs/opus-encoder.ts';
import { VIDEO_TICKS_PER_FRAME } from '../codecs/packet.ts';
import type { EncoderSource } from '../session/encoder-source.ts';

/**
 * "Encoders" whose packets are the pictures and samples themselves: I420 (see `Frame`) and float32 mono. For recordings,
 * which encode for a file and not for a network.
 */
export const RAW_ENCODERS: EncoderSource = {
  openVideo: async () => ({
    // The session draws into the picture's memory again as soon as it is encoded, hence the copy.
    encode: async (frame, { frameIndex, keyFrame }) => ({
      data: frame.data.slice(),
      timestamp: frameIndex * VIDEO_TICKS_PER_FRAME,
      isKeyFrame: keyFrame,
    }),
    setBitrate() {},
    async close() {},
  }),
  openOpus: async () => ({
    encode: (samples, startSample) => ({
      data: new Uint8Array(samples.slice().buffer),
      // Sound is stamped earlier by what an Opus decoder holds back; this sound goes through none.
      timestamp: startSample + OPUS_DELAY_SAMPLES,
      isKeyFrame: true,
    }),
    close() {},
  }),
};
