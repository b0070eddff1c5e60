import {
  AV_CHANNEL_LAYOUT_MONO,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_PIX_FMT_YUV420P,
  AV_SAMPLE_FMT_FLTP,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_TRC_BT709,
  FF_ENCODER_AAC,
  FF_ENCODER_LIBX264,
} from 'node-av/constants';
import { Frame as AvFrame, Codec, CodecContext, type FormatContext, Rational, type Stream } from 'node-av/lib';
import { SAMPLE_RATE_HZ } from '../audio/pcm.ts';
import { AppError } from '../errors.ts';
import { check, setOptions } from './ffmpeg.ts';

/** Samples of one AAC frame (ISO 14496-3 §4.5.1.1). */
export const AAC_FRAME_SAMPLES = 1024;

/** One track of an mp4 that is being written. Whoever added it frees `context`. */
export interface Track {
  readonly context: CodecContext;
  readonly stream: Stream;
  /** Length of one encoded frame in ticks of the encoder. */
  readonly frameTicks: bigint;
}

export interface VideoTrackOptions {
  /** Even, 16 to 4096. */
  readonly widthPx: number;
  /** Even, 16 to 4096. */
  readonly heightPx: number;
  readonly framesPerSecond: number;
  /** x264's constant rate factor, 0 (lossless) to 51; 18 looks like the original. */
  readonly crf: number;
  /** Whether computing is dearer than bytes: half the time, twice the size. */
  readonly isFrugal?: boolean;
}

/** H.264, BT.709 limited range. @throws {AppError} `codec_failed` */
export function addVideoTrack(format: FormatContext, options: VideoTrackOptions): Promise<Track> {
  return addTrack(format, FF_ENCODER_LIBX264, 1n, (context) => {
    const rate = Math.round(options.framesPerSecond * 1000);
    context.width = options.widthPx;
    context.height = options.heightPx;
    context.pixelFormat = AV_PIX_FMT_YUV420P;
    context.timeBase = new Rational(1000, rate);
    context.framerate = new Rational(rate, 1000);
    context.colorPrimaries = AVCOL_PRI_BT709;
    context.colorTrc = AVCOL_TRC_BT709;
    context.colorSpace = AVCOL_SPC_BT709;
    context.colorRange = AVCOL_RANGE_MPEG;
    setOptions(context, { preset: options.isFrugal ? 'ultrafast' : 'veryfast', crf: String(options.crf) });
  });
}

/** AAC, mono, 48 kHz, 96 kbit/s. @throws {AppError} `codec_failed` */
export function addAudioTrack(format: FormatContext): Promise<Track> {
  return addTrack(format, FF_ENCODER_AAC, BigInt(AAC_FRAME_SAMPLES), (context) => {
    context.sampleRate = SAMPLE_RATE_HZ;
    context.sampleFormat = AV_SAMPLE_FMT_FLTP;
    context.channelLayout = AV_CHANNEL_LAYOUT_MONO;
    context.timeBase = new Rational(1, SAMPLE_RATE_HZ);
    context.bitRate = 96_000n;
  });
}

/** Room for one AAC frame, mono float32. The caller frees it. */
export function allocSound(): AvFrame {
  const sound = new AvFrame();
  sound.alloc();
  sound.format = AV_SAMPLE_FMT_FLTP;
  sound.nbSamples = AAC_FRAME_SAMPLES;
  sound.sampleRate = SAMPLE_RATE_HZ;
  sound.channelLayout = AV_CHANNEL_LAYOUT_MONO;
  check(sound.allocBuffer(), 'allocating an audio frame');
  return sound;
}

async function addTrack(
  format: FormatContext,
  name: typeof FF_ENCODER_LIBX264 | typeof FF_ENCODER_AAC,
  frameTicks: bigint,
  configure: (context: CodecContext) => void,
): Promise<Track> {
  const codec = Codec.findEncoderByName(name);
  if (!codec) throw new AppError('codec_failed', `an mp4 needs the encoder ${name}, which node-av lacks`);
  const context = new CodecContext();
  context.allocContext3(codec);
  try {
    context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
    context.threadCount = 1;
    configure(context);
    check(await context.open2(codec, null), `opening ${name}`);
    const stream = format.newStream(null);
    check(stream.codecpar.fromContext(context), `describing the ${name} track`);
    stream.timeBase = context.timeBase;
    return { context, stream, frameTicks };
  } catch (error) {
    context.freeContext();
    throw error;
  }
}
