import {
  AV_PIX_FMT_YUV420P,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_TRC_BT709,
  FF_ENCODER_LIBVPX_VP8,
  FF_ENCODER_LIBX264,
} from 'node-av/constants';
import { Codec, CodecContext, Rational } from 'node-av/lib';
import { AppError } from '../errors.ts';
import { check, setOptions } from './ffmpeg.ts';
import { VIDEO_CLOCK_HZ, type VideoCodec } from './packet.ts';

export interface VideoEncoderOptions {
  readonly codec: VideoCodec;
  /** Even, 16 to 4096. */
  readonly widthPx: number;
  /** Even, 16 to 4096. */
  readonly heightPx: number;
  /** More than 0 and at most 60. */
  readonly framesPerSecond: number;
  /** 10 000 to 50 000 000. */
  readonly bitrateBps: number;
}

export const VIDEO_ENCODER_NAMES = { H264: FF_ENCODER_LIBX264, VP8: FF_ENCODER_LIBVPX_VP8 } as const;

/** What makes the two encoders give one packet per picture at once, on one thread, at a fixed cost. */
const CODEC_OPTIONS: Record<VideoCodec, Readonly<Record<string, string>>> = {
  H264: {
    preset: 'superfast',
    tune: 'zerolatency',
    profile: 'baseline',
    'forced-idr': '1',
    // Quality that is more than enough for a face (about 44 dB); the bit rate is only the most that it may take. A constant
    // rate would spend twice the bits, packets and a quarter more time on what nobody sees.
    crf: '26',
    // Every key frame carries SPS and PPS, so a viewer can join at any of them; scene cuts would add key frames nobody asked for.
    'x264-params': 'repeat-headers=1:scenecut=0',
  },
  VP8: {
    deadline: 'realtime',
    // Negative is a fixed speed; a positive value makes libvpx time itself and drift on a busy machine.
    'cpu-used': '-8',
    'lag-in-frames': '0',
    'error-resilient': '1',
    // Without it the first key frame is as large as half a second of pictures.
    'max-intra-rate': '300',
    'undershoot-pct': '100',
    'overshoot-pct': '15',
  },
};

/** Key frames come only when they are asked for. */
const NO_GOP_FRAMES = 100_000;

/**
 * Opens FFmpeg's encoder. The caller frees the context.
 *
 * @throws {AppError} `codec_failed` if the encoder is missing or refuses the settings.
 */
export async function openVideoContext(options: VideoEncoderOptions): Promise<CodecContext> {
  const name = VIDEO_ENCODER_NAMES[options.codec];
  const codec = Codec.findEncoderByName(name);
  if (!codec) throw new AppError('codec_failed', `${options.codec} needs the encoder ${name}, which node-av lacks`);
  const context = new CodecContext();
  context.allocContext3(codec);
  try {
    context.width = options.widthPx;
    context.height = options.heightPx;
    context.pixelFormat = AV_PIX_FMT_YUV420P;
    context.timeBase = new Rational(1, VIDEO_CLOCK_HZ);
    context.framerate = new Rational(Math.round(options.framesPerSecond * 1000), 1000);
    context.gopSize = NO_GOP_FRAMES;
    context.maxBFrames = 0;
    context.threadCount = 1;
    context.colorPrimaries = AVCOL_PRI_BT709;
    context.colorTrc = AVCOL_TRC_BT709;
    context.colorSpace = AVCOL_SPC_BT709;
    context.colorRange = AVCOL_RANGE_MPEG;
    applyBitrate(context, options.codec, options.bitrateBps);
    setOptions(context, CODEC_OPTIONS[options.codec]);
    check(await context.open2(codec, null), `opening ${name} ${options.widthPx}x${options.heightPx}`);
    return context;
  } catch (error) {
    context.freeContext();
    throw error;
  }
}

/** x264 reads these again before every picture; libvpx only when it is opened. Never call it while a picture is encoded. */
export function applyBitrate(context: CodecContext, codec: VideoCodec, bitrateBps: number): void {
  context.rcMaxRate = BigInt(bitrateBps);
  // 0.4 s of buffer: small enough to bound a key frame, large enough to let it look good.
  context.rcBufferSize = Math.round(bitrateBps * 0.4);
  if (codec === 'VP8') {
    context.bitRate = BigInt(bitrateBps);
    context.rcMinRate = BigInt(bitrateBps);
  }
}

/** @throws {RangeError} if `bitrateBps` is not within 10 000 to 50 000 000. */
export function assertBitrate(bitrateBps: number): void {
  if (!(bitrateBps >= 10_000 && bitrateBps <= 50_000_000)) {
    throw new RangeError(`bitrateBps must be from 10000 to 50000000, got ${bitrateBps}`);
  }
}
