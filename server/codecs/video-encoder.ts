import { AV_PICTURE_TYPE_I, AV_PICTURE_TYPE_NONE } from 'node-av/constants';
import { type Frame as AvFrame, Packet as AvPacket, type CodecContext } from 'node-av/lib';
import { AppError } from '../errors.ts';
import { allocI420, assertFrame, assertFrameSize, check, fillI420, quietFfmpeg } from './ffmpeg.ts';
import type { Frame } from './frame.ts';
import { type Packet, VIDEO_CLOCK_HZ } from './packet.ts';
import { Serial } from './serial.ts';
import { applyBitrate, assertBitrate, openVideoContext, type VideoEncoderOptions } from './video-encoder-settings.ts';

/** Pictures that may be inside `encode` at once, the one being encoded included. */
export const MAX_PENDING_FRAMES = 4;
/** VP8 must be opened anew, with a key frame, for a new bit rate: only a change of this share is worth it. */
const VP8_REOPEN_SHARE = 0.15;
/** VP8 is opened for a higher rate at most once in so many pictures; for a lower one at once. */
const VP8_RAISE_INTERVAL_FRAMES = 25;

export interface EncodeOptions {
  /** Number of the picture since the session began; higher than that of the call before. */
  readonly frameIndex: number;
  /** Whether decoding must be able to start here. The first picture always is a key frame. */
  readonly keyFrame: boolean;
}

/**
 * Encodes the pictures of one session, off the main thread, one packet per picture without delay.
 *
 * Queue: at most {@link MAX_PENDING_FRAMES} pictures; when it is full, `encode` rejects; emptied in order, one at a time.
 */
export class VideoEncoder {
  readonly #options: VideoEncoderOptions;
  readonly #serial = new Serial();
  readonly #packet = new AvPacket();
  /** Memory for copies of pictures that wait. */
  readonly #idle: AvFrame[] = [];
  #context: CodecContext;
  #pending = 0;
  #closing: Promise<void> | null = null;
  #lastFrameIndex = -1;
  #bitrateBps: number;
  #wantedBitrateBps: number;
  #framesSinceOpen = 0;
  #lastEncodeMs = 0;

  private constructor(options: VideoEncoderOptions, context: CodecContext) {
    this.#options = options;
    this.#context = context;
    this.#bitrateBps = options.bitrateBps;
    this.#wantedBitrateBps = options.bitrateBps;
    this.#packet.alloc();
  }

  /**
   * @throws {RangeError} for settings out of range; {AppError} `codec_failed` if the encoder cannot be opened.
   */
  static async open(options: VideoEncoderOptions): Promise<VideoEncoder> {
    quietFfmpeg();
    assertFrameSize(options.widthPx, options.heightPx);
    assertBitrate(options.bitrateBps);
    if (!(options.framesPerSecond > 0 && options.framesPerSecond <= 60)) {
      throw new RangeError(`framesPerSecond must be more than 0 and at most 60, got ${options.framesPerSecond}`);
    }
    return new VideoEncoder({ ...options }, await openVideoContext(options));
  }

  /** The rate in use, which lags behind `setBitrate` by up to a second for VP8. */
  get bitrateBps(): number {
    return this.#bitrateBps;
  }

  /** Wall time that the last picture took, waiting for a thread included, in ms; 0 before the first. */
  get lastEncodeMs(): number {
    return this.#lastEncodeMs;
  }

  /** Pictures inside `encode`, 0 to {@link MAX_PENDING_FRAMES}. */
  get pendingFrames(): number {
    return this.#pending;
  }

  /**
   * @param frame Of the size the encoder was opened for. Borrowed for the call: copied before it returns.
   * @returns The picture's one packet; `timestamp` is `frameIndex` in ticks at 90 kHz (3600 a picture at 25 fps).
   * @throws {RangeError} if the size or the order is wrong, or too many pictures wait; {AppError} `codec_failed` if the
   *   encoder is closed or fails. The encoder remains usable unless it is closed.
   */
  async encode(frame: Frame, { frameIndex, keyFrame }: EncodeOptions): Promise<Packet> {
    if (this.#closing) throw new AppError('codec_failed', 'the video encoder is closed');
    assertFrame(frame, this.#options.widthPx, this.#options.heightPx);
    if (!(Number.isSafeInteger(frameIndex) && frameIndex > this.#lastFrameIndex)) {
      throw new RangeError(`frameIndex must be a whole number above ${this.#lastFrameIndex}, got ${frameIndex}`);
    }
    if (this.#pending >= MAX_PENDING_FRAMES) {
      throw new RangeError(`${this.#pending} pictures are waiting to be encoded already; wait for one of them`);
    }
    const picture = this.#idle.pop() ?? allocI420(frame.widthPx, frame.heightPx);
    fillI420(picture, frame);
    this.#lastFrameIndex = frameIndex;
    this.#pending++;
    return this.#serial.run(async () => {
      try {
        return await this.#encodeNow(picture, frameIndex, keyFrame);
      } finally {
        this.#pending--;
        this.#idle.push(picture);
      }
    });
  }

  /**
   * Changes the rate from the next picture on. H.264 follows live. VP8 is opened anew, which makes that picture a key
   * frame; changes of less than 15 % are remembered but not followed, and raises at most once in 25 pictures.
   *
   * @throws {RangeError} if the rate is not within 10 000 to 50 000 000.
   */
  setBitrate(bitrateBps: number): void {
    assertBitrate(bitrateBps);
    this.#wantedBitrateBps = Math.round(bitrateBps);
  }

  /** Waits for the pictures inside `encode`, then releases the encoder. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  async #release(): Promise<void> {
    // Freeing a context while it encodes ends the process.
    await this.#serial.settled();
    this.#context.freeContext();
    this.#packet.free();
    for (const picture of this.#idle.splice(0)) picture.free();
  }

  async #encodeNow(picture: AvFrame, frameIndex: number, keyFrame: boolean): Promise<Packet> {
    await this.#followBitrate();
    const timestamp = Math.round((frameIndex * VIDEO_CLOCK_HZ) / this.#options.framesPerSecond);
    picture.pts = BigInt(timestamp);
    picture.duration = BigInt(Math.round(VIDEO_CLOCK_HZ / this.#options.framesPerSecond));
    picture.pictType = keyFrame ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    const startMs = performance.now();
    check(await this.#context.sendFrame(picture), `encoding picture ${frameIndex} as ${this.#options.codec}`);
    check(this.#context.receivePacketSync(this.#packet), `taking the packet of picture ${frameIndex}`);
    this.#lastEncodeMs = performance.now() - startMs;
    this.#framesSinceOpen++;
    const packet = { data: new Uint8Array(this.#packet.data!), timestamp, isKeyFrame: this.#packet.isKeyframe };
    this.#packet.unref();
    return packet;
  }

  async #followBitrate(): Promise<void> {
    const wantedBps = this.#wantedBitrateBps;
    if (wantedBps === this.#bitrateBps) return;
    if (this.#options.codec === 'H264') {
      applyBitrate(this.#context, 'H264', wantedBps);
    } else {
      const change = wantedBps / this.#bitrateBps - 1;
      if (Math.abs(change) < VP8_REOPEN_SHARE) return;
      if (change > 0 && this.#framesSinceOpen < VP8_RAISE_INTERVAL_FRAMES) return;
      const context = await openVideoContext({ ...this.#options, bitrateBps: wantedBps });
      this.#context.freeContext();
      this.#context = context;
      this.#framesSinceOpen = 0;
    }
    this.#bitrateBps = wantedBps;
  }
}
