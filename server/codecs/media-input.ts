import { open, stat } from 'node:fs/promises';
import { AV_FRAME_FLAG_CORRUPT, AVERROR_EOF, AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import {
  Frame as AvFrame,
  Packet as AvPacket,
  Codec,
  CodecContext,
  FFmpegError,
  FormatContext,
  InputFormat,
  type Stream,
} from 'node-av/lib';
import { AppError } from '../errors.ts';
import { check, quietFfmpeg, setOptions } from './ffmpeg.ts';

export const MAX_MEDIA_SECONDS = 120;
export const MAX_MEDIA_SIDE_PX = 4096;
const MIN_MEDIA_SIDE_PX = 16;
/** Pictures that one file may hold: 240 a second for the whole length. */
const MAX_PICTURES = MAX_MEDIA_SECONDS * 240;

/** What to tell people who bring a file that cannot be read. */
const EXPECTED = 'expected a video (mp4, mov, webm, mkv, avi, gif) or a picture (png, jpg, webp, bmp)';

/**
 * Everything else stays closed: playlists and the like would let an uploaded file make the server open other files or
 * addresses.
 */
const FORMATS = 'mov,matroska,gif,apng,avi,mpegts,mpeg,ogg,flv,png_pipe,jpeg_pipe,webp_pipe,webp_anim,bmp_pipe';
const DECODERS = new Set(
  'h264,hevc,vp8,vp9,av1,libdav1d,mpeg4,mpeg2video,mpeg1video,mjpeg,png,apng,gif,webp,webp_anim,bmp,prores,theora'.split(
    ',',
  ),
);

/** One file being decoded, picture by picture, as FFmpeg has it. Decoding runs off the main thread. */
export class MediaInput {
  readonly #path: string;
  readonly #format: FormatContext;
  readonly #stream: Stream;
  readonly #context: CodecContext;
  #state: 'open' | 'closed' = 'open';

  private constructor(path: string, format: FormatContext, stream: Stream, context: CodecContext) {
    this.#path = path;
    this.#format = format;
    this.#stream = stream;
    this.#context = context;
  }

  /** @throws {AppError} `media_unreadable` if there is no such file, or it is no video or picture within the limits. */
  static async open(path: string): Promise<MediaInput> {
    quietFfmpeg();
    const file = await stat(path).catch(() => null);
    if (!file) throw unreadable(path, 'there is no such file');
    if (!file.isFile()) throw unreadable(path, 'it is not a plain file');
    const format = new FormatContext();
    format.allocContext();
    let context: CodecContext | null = null;
    try {
      setOptions(format, {
        format_whitelist: FORMATS,
        protocol_whitelist: 'file',
        codec_whitelist: [...DECODERS].join(),
      });
      readable(path, await format.openInput(`file:${path}`, await knownFormat(path), null));
      readable(path, await format.findStreamInfo(null));
      const index = format.findBestStream(AVMEDIA_TYPE_VIDEO);
      if (index < 0) throw unreadable(path, 'it has no pictures');
      const stream = format.streams[index];
      assertLimits(path, stream, format);
      context = await openDecoder(path, stream);
      return new MediaInput(path, format, stream, context);
    } catch (error) {
      context?.freeContext();
      await format.closeInput();
      throw error;
    }
  }

  /** FFmpeg's name of the pictures' codec. */
  get codec(): string {
    return Codec.findDecoder(this.#stream.codecpar.codecId)?.name ?? 'unknown';
  }

  /** Length that the file claims, in seconds; null if it claims none (pictures, some gifs). */
  get durationSeconds(): number | null {
    return claimedSeconds(this.#stream, this.#format);
  }

  /** Picture rate that the file claims; null if it claims none. */
  get framesPerSecond(): number | null {
    const { num, den } = this.#stream.avgFrameRate;
    return num > 0 && den > 0 ? num / den : null;
  }

  /**
   * Decodes all pictures in display order.
   *
   * @returns Each picture with its time; `picture` is borrowed until the next one is asked for. Damaged pictures are left out.
   * @throws {AppError} `media_unreadable` if nothing can be decoded, or the file is too long or cut short.
   */
  async *pictures(): AsyncGenerator<{ picture: AvFrame; seconds: number }> {
    const packet = new AvPacket();
    packet.alloc();
    const picture = new AvFrame();
    picture.alloc();
    const { num, den } = this.#stream.timeBase;
    let count = 0;
    let seconds = 0;
    let firstSeconds: number | null = null;
    try {
      for (let isEnd = false; !isEnd; ) {
        isEnd = !(await this.#readPacket(packet));
        // A packet that cannot be decoded is left out; what follows it may be fine.
        await this.#context.sendPacket(isEnd ? null : packet);
        packet.unref();
        while ((await this.#context.receiveFrame(picture)) >= 0) {
          const ticks = picture.bestEffortTimestamp;
          // The most negative number says that there is no time stamp.
          seconds = ticks > -(2n ** 63n) ? (Number(ticks) * num) / den : seconds + 1 / (this.framesPerSecond ?? 25);
          firstSeconds ??= seconds;
          if (++count > MAX_PICTURES) throw unreadable(this.#path, `more than ${MAX_PICTURES} pictures`);
          if (seconds - firstSeconds > MAX_MEDIA_SECONDS) throw tooLong(this.#path, seconds - firstSeconds);
          assertSize(this.#path, picture.width, picture.height);
          const isDamaged = picture.hasFlags(AV_FRAME_FLAG_CORRUPT) || picture.decodeErrorFlags !== 0;
          if (!isDamaged) yield { picture, seconds };
          picture.unref();
        }
      }
      const claimed = Number(this.#stream.nbFrames);
      if (count === 0) {
        const some = claimed > 0 ? `none of its ${claimed} pictures` : 'none of its pictures';
        throw unreadable(this.#path, `${some} can be decoded; it is cut short or damaged`);
      }
      if (count < claimed / 2)
        throw unreadable(this.#path, `it is cut short: ${count} of ${claimed} pictures are there`);
    } finally {
      packet.free();
      picture.free();
    }
  }

  /** Not while a picture is being waited for. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#context.freeContext();
    await this.#format.closeInput();
  }

  /** @returns False at the end of the file, or where it is broken off. */
  async #readPacket(packet: AvPacket): Promise<boolean> {
    for (;;) {
      if ((await this.#format.readFrame(packet)) < 0) return false;
      if (packet.streamIndex === this.#stream.index) return true;
      packet.unref();
    }
  }
}

/** `media_unreadable`, in one form for all that can be wrong with a file. */
export function unreadable(path: string, found: string, cause?: unknown): AppError {
  return new AppError('media_unreadable', `${path} cannot be used: ${EXPECTED}, found: ${found}`, { cause });
}

function readable(path: string, code: number): void {
  if (code >= 0) return;
  if (code === AVERROR_EOF) throw unreadable(path, 'the file ends too early');
  // What FFmpeg answers when the format is none of those allowed.
  if (new FFmpegError(code).isEINVAL) throw unreadable(path, 'a file of another kind');
  throw unreadable(path, FFmpegError.strerror(code));
}

/** JPEG has to be recognised here: by content alone FFmpeg is not sure enough and takes a format that is not allowed. */
async function knownFormat(path: string): Promise<InputFormat | null> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(3), 0, 3, 0);
    return buffer.toString('hex') === 'ffd8ff' ? InputFormat.findInputFormat('jpeg_pipe') : null;
  } finally {
    await file.close();
  }
}

async function openDecoder(path: string, stream: Stream): Promise<CodecContext> {
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  if (!codec || !DECODERS.has(codec.name ?? '')) {
    throw unreadable(path, `pictures in a codec that is not read (${codec?.name ?? 'unknown'})`);
  }
  const context = new CodecContext();
  context.allocContext3(codec);
  try {
    check(context.parametersToContext(stream.codecpar), 'preparing to decode');
    context.pktTimebase = stream.timeBase;
    context.threadCount = 1;
    setOptions(context, { max_pixels: String(MAX_MEDIA_SIDE_PX * MAX_MEDIA_SIDE_PX) });
    check(await context.open2(codec, null), `opening the decoder ${codec.name}`);
    return context;
  } catch (error) {
    context.freeContext();
    throw unreadable(path, `pictures that the decoder ${codec.name} refuses`, error);
  }
}

function assertLimits(path: string, stream: Stream, format: FormatContext): void {
  assertSize(path, stream.codecpar.width, stream.codecpar.height);
  const seconds = claimedSeconds(stream, format);
  if (seconds !== null && seconds > MAX_MEDIA_SECONDS + 1) throw tooLong(path, seconds);
}

function assertSize(path: string, widthPx: number, heightPx: number): void {
  if (widthPx === 0 || heightPx === 0) {
    throw unreadable(path, `pictures of a size that cannot be told, or of more than ${MAX_MEDIA_SIDE_PX} px a side`);
  }
  for (const sidePx of [widthPx, heightPx]) {
    if (sidePx < MIN_MEDIA_SIDE_PX || sidePx > MAX_MEDIA_SIDE_PX) {
      throw unreadable(
        path,
        `${widthPx}x${heightPx} px, each side must have ${MIN_MEDIA_SIDE_PX} to ${MAX_MEDIA_SIDE_PX}`,
      );
    }
  }
}

function tooLong(path: string, seconds: number): AppError {
  return unreadable(
    path,
    `${seconds.toFixed(1)} s of video, at most ${MAX_MEDIA_SECONDS} s are allowed; cut it shorter`,
  );
}

function claimedSeconds(stream: Stream, format: FormatContext): number | null {
  const { num, den } = stream.timeBase;
  if (stream.duration > 0n) return (Number(stream.duration) * num) / den;
  return format.duration > 0n ? Number(format.duration) / 1e6 : null;
}
