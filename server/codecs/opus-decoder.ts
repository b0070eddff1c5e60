import { AV_CHANNEL_LAYOUT_MONO, FF_DECODER_LIBOPUS } from 'node-av/constants';
import { Frame as AvFrame, Packet as AvPacket, Codec, CodecContext } from 'node-av/lib';
import { SAMPLE_RATE_HZ } from '../audio/pcm.ts';
import { AppError } from '../errors.ts';
import { check, quietFfmpeg, setOptions } from './ffmpeg.ts';

/** Longest packet that may come, in bytes: 120 ms of 48 frames of at most 1275 bytes (RFC 6716 §3.2), rounded up. */
const MAX_PAYLOAD_BYTES = 65_536;

/**
 * Decodes the Opus packets of one voice (RFC 6716). Takes mono and stereo in any of Opus's modes; libopus mixes stereo
 * down while it decodes. Synchronous: a packet costs about 20 µs.
 */
export class OpusDecoder {
  readonly #context: CodecContext;
  readonly #packet = new AvPacket();
  readonly #frame = new AvFrame();
  #state: 'open' | 'closed' = 'open';

  private constructor(context: CodecContext) {
    this.#context = context;
    this.#packet.alloc();
    this.#frame.alloc();
  }

  /** @throws {AppError} `codec_failed` if the decoder cannot be opened. */
  static async open(): Promise<OpusDecoder> {
    quietFfmpeg();
    const codec = Codec.findDecoderByName(FF_DECODER_LIBOPUS);
    if (!codec) throw new AppError('codec_failed', 'Opus needs the decoder libopus, which node-av lacks');
    const context = new CodecContext();
    context.allocContext3(codec);
    try {
      context.sampleRate = SAMPLE_RATE_HZ;
      context.channelLayout = AV_CHANNEL_LAYOUT_MONO;
      context.threadCount = 1;
      setOptions(context, { request_sample_fmt: 'flt' });
      check(await context.open2(codec, null), 'opening the Opus decoder');
    } catch (error) {
      context.freeContext();
      throw error;
    }
    return new OpusDecoder(context);
  }

  /**
   * @param payload One Opus packet as it came in RTP, 2.5 to 120 ms of sound. Borrowed for the call.
   * @returns Mono float32 at 48 kHz, 120 to 5760 samples, nominally -1..1 (loud sound may overshoot). Owned by the caller.
   * @throws {AppError} `codec_failed` if the packet is malformed or the decoder closed. After a malformed packet the next
   *   one decodes as usual.
   */
  decode(payload: Uint8Array): Float32Array {
    if (this.#state === 'closed') throw new AppError('codec_failed', 'the Opus decoder is closed');
    // To FFmpeg an empty packet means that no more will come, which would end the decoder for good.
    if (payload.length === 0 || payload.length > MAX_PAYLOAD_BYTES) {
      throw new AppError('codec_failed', `an Opus packet has 1 to ${MAX_PAYLOAD_BYTES} bytes, got ${payload.length}`);
    }
    this.#packet.data = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    const sent = this.#context.sendPacketSync(this.#packet);
    this.#packet.unref();
    check(sent, `decoding an Opus packet of ${payload.length} bytes`);
    check(this.#context.receiveFrameSync(this.#frame), `decoding an Opus packet of ${payload.length} bytes`);
    const plane = this.#frame.data![0];
    const samples = new Float32Array(this.#frame.nbSamples);
    new Uint8Array(samples.buffer).set(plane.subarray(0, samples.byteLength));
    this.#frame.unref();
    return samples;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#context.freeContext();
    this.#packet.free();
    this.#frame.free();
  }
}
