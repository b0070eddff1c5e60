import { rename, rm } from 'node:fs/promises';
import { AV_PICTURE_TYPE_NONE } from 'node-av/constants';
import { type Frame as AvFrame, Packet as AvPacket, FormatContext } from 'node-av/lib';
import { SAMPLE_RATE_HZ } from '../audio/pcm.ts';
import { AppError } from '../errors.ts';
import { allocI420, assertFrame, assertFrameSize, check, fillI420, quietFfmpeg, setOptions } from './ffmpeg.ts';
import type { Frame } from './frame.ts';
import {
  AAC_FRAME_SAMPLES,
  addAudioTrack,
  addVideoTrack,
  allocSound,
  type Track,
  type VideoTrackOptions,
} from './mp4-tracks.ts';
import { Serial } from './serial.ts';

export interface VideoFileOptions extends VideoTrackOptions {
  /** Whether there is a sound track: mono, 48 kHz, AAC. */
  readonly hasAudio?: boolean;
}

/**
 * Writes an mp4: H.264, BT.709 limited, index in front (plays while it loads). The file appears under its name when `close`
 * is done and not before. Encoding runs off the main thread, on one thread; calls are carried out one after the other.
 */
export class VideoFileWriter {
  readonly #path: string;
  readonly #options: VideoFileOptions;
  readonly #serial = new Serial();
  readonly #format = new FormatContext();
  readonly #packet = new AvPacket();
  #picture: AvFrame | null = null;
  #sound: AvFrame | null = null;
  #video: Track | null = null;
  #audio: Track | null = null;
  #pictures = 0;
  #samples = 0;
  /** Sound that does not fill an AAC frame yet: fewer than 1024 samples. */
  #rest = new Float32Array(0);
  #state: 'open' | 'closed' = 'open';

  private constructor(path: string, options: VideoFileOptions) {
    this.#path = path;
    this.#options = options;
    this.#packet.alloc();
  }

  /** @throws {RangeError} for settings out of range; {AppError} `codec_failed` if the file cannot be made. */
  static async open(path: string, options: VideoFileOptions): Promise<VideoFileWriter> {
    quietFfmpeg();
    assertFrameSize(options.widthPx, options.heightPx);
    if (!(options.crf >= 0 && options.crf <= 51)) throw new RangeError(`crf must be from 0 to 51, got ${options.crf}`);
    if (!(options.framesPerSecond > 0 && options.framesPerSecond <= 240)) {
      throw new RangeError(`framesPerSecond must be more than 0 and at most 240, got ${options.framesPerSecond}`);
    }
    const writer = new VideoFileWriter(path, { ...options });
    try {
      await writer.#start();
    } catch (error) {
      await writer.abort();
      throw error;
    }
    return writer;
  }

  /** Adds one picture. Borrowed until the promise settles. */
  async writeFrame(frame: Frame): Promise<void> {
    assertFrame(frame, this.#options.widthPx, this.#options.heightPx);
    await this.#serial.run(async () => {
      this.#assertOpen();
      const picture = this.#picture!;
      fillI420(picture, frame);
      picture.pts = BigInt(this.#pictures++);
      picture.pictType = AV_PICTURE_TYPE_NONE;
      await this.#encode(this.#video!, picture);
    });
  }

  /** Adds sound, any number of samples, mono 48 kHz. Borrowed until the promise settles. */
  writeAudio(samples: Float32Array): Promise<void> {
    return this.#serial.run(async () => {
      this.#assertOpen();
      if (!this.#audio) throw new RangeError('the file was opened without a sound track (hasAudio)');
      const all = new Float32Array(this.#rest.length + samples.length);
      all.set(this.#rest);
      all.set(samples, this.#rest.length);
      let at = 0;
      for (; at + AAC_FRAME_SAMPLES <= all.length; at += AAC_FRAME_SAMPLES) {
        await this.#encodeSound(all.subarray(at, at + AAC_FRAME_SAMPLES));
      }
      this.#rest = all.slice(at);
    });
  }

  /** Completes the file and gives it its name. Idempotent. @throws {AppError} `codec_failed` if it cannot be completed. */
  async close(): Promise<void> {
    await this.#serial.run(async () => {
      if (this.#state === 'closed') return;
      try {
        await this.#finish();
      } catch (error) {
        await this.#release();
        await rm(this.#partPath, { force: true });
        throw error;
      }
      await this.#release();
      await rename(this.#partPath, this.#path);
    });
  }

  /** Gives up: leaves no file behind. Idempotent. */
  async abort(): Promise<void> {
    await this.#serial.run(async () => {
      if (this.#state === 'closed') return;
      await this.#release();
      await rm(this.#partPath, { force: true });
    });
  }

  get #partPath(): string {
    return `${this.#path}.part`;
  }

  async #start(): Promise<void> {
    const { widthPx, heightPx, hasAudio } = this.#options;
    check(this.#format.allocOutputContext2(null, 'mp4', `file:${this.#partPath}`), 'preparing an mp4');
    this.#video = await addVideoTrack(this.#format, this.#options);
    if (hasAudio) this.#audio = await addAudioTrack(this.#format);
    this.#picture = allocI420(widthPx, heightPx);
    check(await this.#format.openOutput(), `creating ${this.#partPath}`);
    setOptions(this.#format, { movflags: '+faststart' });
    check(await this.#format.writeHeader(null), `writing the header of ${this.#partPath}`);
  }

  async #encodeSound(samples: Float32Array): Promise<void> {
    this.#sound ??= allocSound();
    check(this.#sound.makeWritable(), 'making an audio frame writable');
    this.#sound.data![0].set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
    this.#sound.pts = BigInt(this.#samples);
    this.#samples += AAC_FRAME_SAMPLES;
    await this.#encode(this.#audio!, this.#sound);
  }

  /** Encodes one frame (null: whatever the encoder holds back) and writes the packets that come out. */
  async #encode({ context, stream, frameTicks }: Track, frame: AvFrame | null): Promise<void> {
    check(await context.sendFrame(frame), `encoding for ${this.#path}`);
    while (context.receivePacketSync(this.#packet) >= 0) {
      this.#packet.streamIndex = stream.index;
      // Without the length of the last picture, players and the edit list cut it off.
      if (this.#packet.duration === 0n) this.#packet.duration = frameTicks;
      this.#packet.rescaleTs(context.timeBase, stream.timeBase);
      check(await this.#format.interleavedWriteFrame(this.#packet), `writing ${this.#partPath}`);
    }
  }

  async #finish(): Promise<void> {
    if (this.#pictures === 0) throw new AppError('codec_failed', `${this.#path} would have no pictures`);
    await this.#encode(this.#video!, null);
    if (this.#audio) {
      if (this.#rest.length > 0) {
        const last = new Float32Array(AAC_FRAME_SAMPLES);
        last.set(this.#rest);
        await this.#encodeSound(last);
      }
      await this.#encode(this.#audio, null);
    }
    check(await this.#format.writeTrailer(), `completing ${this.#partPath}`);
  }

  async #release(): Promise<void> {
    this.#state = 'closed';
    await this.#format.closeOutput();
    this.#video?.context.freeContext();
    this.#audio?.context.freeContext();
    this.#format.freeContext();
    this.#packet.free();
    this.#picture?.free();
    this.#sound?.free();
  }

  #assertOpen(): void {
    if (this.#state === 'closed') throw new AppError('codec_failed', `${this.#path} is closed`);
  }
}

/**
 * Writes a whole film.
 *
 * @param frames At least one.
 * @param audio The sound from the first picture on, mono 48 kHz; none if left out.
 * @throws {AppError} `codec_failed`, or whatever `frames` throws; no file is left then.
 */
export async function writeVideo(
  path: string,
  options: Omit<VideoFileOptions, 'hasAudio'>,
  frames: Iterable<Frame> | AsyncIterable<Frame>,
  audio?: Float32Array,
): Promise<void> {
  const writer = await VideoFileWriter.open(path, { ...options, hasAudio: audio !== undefined });
  try {
    let pictures = 0;
    let heard = 0;
    for await (const frame of frames) {
      await writer.writeFrame(frame);
      pictures++;
      const until = Math.round((pictures * SAMPLE_RATE_HZ) / options.framesPerSecond);
      if (audio) await writer.writeAudio(audio.subarray(heard, until));
      heard = until;
    }
    if (audio && heard < audio.length) await writer.writeAudio(audio.subarray(heard));
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
