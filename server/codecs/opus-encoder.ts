import { AV_CHANNEL_LAYOUT_MONO, AV_SAMPLE_FMT_FLT, FF_ENCODER_LIBOPUS } from 'node-av/constants';
import { Frame as AvFrame, Packet as AvPacket, Codec, CodecContext, Rational } from 'node-av/lib';
import { CHUNK_MS, CHUNK_SAMPLES, SAMPLE_RATE_HZ } from '../audio/pcm.ts';
import { AppError } from '../errors.ts';
import { check, quietFfmpeg, setOptions } from './ffmpeg.ts';
import type { Packet } from './packet.ts';

/**
 * How much later sound leaves a decoder than it went into the encoder (libopus's look-ahead, "pre-skip" in RFC 7845 §4.2),
 * in samples at 48 kHz: 2.5 ms. A packet stamped `startSample` is heard as if the sound had begun so many samples later.
 */
export const OPUS_DELAY_SAMPLES = 120;

/**
 * Equal packets in a row after which the encoder's answer to silence is taken as settled, so that it need not be asked
 * again. Its high-pass filter rings for up to a second first.
 */
const SETTLED_CHUNKS = 5;

export interface OpusEncoderOptions {
  /** Mean rate in bit/s, 6000 to 256 000; default 32 000. Peaks may be higher: the rate is variable within bounds. */
  readonly bitrateBps?: number;
}

/**
 * Encodes the sound of one session, 20 ms mono per packet. Synchronous: about 50 µs for speech, 1 µs for silence that lasts.
 *
 * It is opened for low delay, which keeps libopus in its CELT layer: a third of the cost of the speech layer at the same
 * rate, 4 ms less delay, and silence of 3 bytes a packet.
 */
export class OpusEncoder {
  readonly #context: CodecContext;
  readonly #packet = new AvPacket();
  readonly #frame = new AvFrame();
  #state: 'open' | 'closed' = 'open';
  /** Packets of the current silence in a row that were equal to `#silence`. */
  #equalSilences = 0;
  /** The last packet that was made of silence. */
  #silence: Uint8Array | null = null;

  private constructor(context: CodecContext) {
    this.#context = context;
    this.#packet.alloc();
    this.#frame.alloc();
    this.#frame.format = AV_SAMPLE_FMT_FLT;
    this.#frame.nbSamples = CHUNK_SAMPLES;
    this.#frame.sampleRate = SAMPLE_RATE_HZ;
    this.#frame.channelLayout = AV_CHANNEL_LAYOUT_MONO;
    check(this.#frame.allocBuffer(), 'allocating an audio frame');
  }

  /** @throws {RangeError} for a rate out of range; {AppError} `codec_failed` if the encoder cannot be opened. */
  static async open({ bitrateBps = 32_000 }: OpusEncoderOptions = {}): Promise<OpusEncoder> {
    if (!(bitrateBps >= 6000 && bitrateBps <= 256_000)) {
      throw new RangeError(`bitrateBps must be from 6000 to 256000, got ${bitrateBps}`);
    }
    quietFfmpeg();
    const codec = Codec.findEncoderByName(FF_ENCODER_LIBOPUS);
    if (!codec) throw new AppError('codec_failed', 'Opus needs the encoder libopus, which node-av lacks');
    const context = new CodecContext();
    context.allocContext3(codec);
    try {
      context.sampleRate = SAMPLE_RATE_HZ;
      context.sampleFormat = AV_SAMPLE_FMT_FLT;
      context.channelLayout = AV_CHANNEL_LAYOUT_MONO;
      context.bitRate = BigInt(Math.round(bitrateBps));
      context.timeBase = new Rational(1, SAMPLE_RATE_HZ);
      context.threadCount = 1;
      setOptions(context, {
        application: 'lowdelay',
        vbr: 'constrained',
        frame_duration: String(CHUNK_MS),
        // As WebRTC does on phones: two thirds of the time that the highest, 10, takes.
        compression_level: '5',
      });
      check(await context.open2(codec, null), 'opening the Opus encoder');
    } catch (error) {
      context.freeContext();
      throw error;
    }
    return new OpusEncoder(context);
  }

  /**
   * @param samples {@link CHUNK_SAMPLES} samples, mono 48 kHz, -1..1; the chunk that follows the call before. Borrowed for the call.
   * @param startSample Media time of the first sample; becomes the packet's `timestamp` as it is (see {@link OPUS_DELAY_SAMPLES}).
   * @returns One packet of 20 ms. Packets of lasting silence share their bytes.
   * @throws {RangeError} for a chunk of another length; {AppError} `codec_failed` if the encoder is closed or fails.
   */
  encode(samples: Float32Array, startSample: number): Packet {
    if (this.#state === 'closed') throw new AppError('codec_failed', 'the Opus encoder is closed');
    if (samples.length !== CHUNK_SAMPLES) {
      throw new RangeError(`expected a chunk of ${CHUNK_SAMPLES} samples, got ${samples.length}`);
    }
    if (!isDigitalSilence(samples)) {
      this.#equalSilences = 0;
      return this.#packetOf(this.#encodeNow(samples, startSample), startSample);
    }
    // The encoder's state is the same before and after a settled silent packet, so leaving it out changes nothing later.
    if (this.#equalSilences >= SETTLED_CHUNKS && this.#silence) return this.#packetOf(this.#silence, startSample);
    const data = this.#encodeNow(samples, startSample);
    const isEqual = this.#silence !== null && Buffer.compare(data, this.#silence) === 0;
    this.#equalSilences = isEqual ? this.#equalSilences + 1 : 0;
    if (!isEqual) this.#silence = data;
    return this.#packetOf(data, startSample);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#context.freeContext();
    this.#packet.free();
    this.#frame.free();
  }

  #packetOf(data: Uint8Array, startSample: number): Packet {
    return { data, timestamp: startSample, isKeyFrame: true };
  }

  #encodeNow(samples: Float32Array, startSample: number): Uint8Array {
    check(this.#frame.makeWritable(), 'making an audio frame writable');
    this.#frame.data![0].set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
    this.#frame.pts = BigInt(startSample);
    check(this.#context.sendFrameSync(this.#frame), 'encoding an Opus packet');
    check(this.#context.receivePacketSync(this.#packet), 'taking an Opus packet');
    const data = new Uint8Array(this.#packet.data!);
    this.#packet.unref();
    return data;
  }
}

function isDigitalSilence(samples: Float32Array): boolean {
  for (let i = 0; i < samples.length; i++) if (samples[i] !== 0) return false;
  return true;
}
