import type { Frame } from '../codecs/frame.ts';
import { type Packet, VIDEO_TICKS_PER_FRAME, type VideoCodec } from '../codecs/packet.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Timers } from '../timers.ts';
import type { Transport } from '../transports/transport.ts';
import type { PictureEncoder } from './encoder-source.ts';
import type { IdleLoops, OwnFrame } from './idle-loops.ts';

/** Share of the estimated bandwidth that pictures may fill, and what is set aside for sound and retransmissions. */
const BANDWIDTH_SHARE = 0.85;
const RESERVED_BPS = 40_000;
/** Pictures that may wait for their packets or their time; beyond that the oldest are dropped and counted. */
const PACKETS_WAITING = 12;
/** Own pictures in a row after which viewers are put on the shared loop; pauses between sentences are shorter. */
const OWN_FRAMES_BEFORE_LOOP = 75;

export interface EncodingSettings {
  readonly startBitrateBps: number;
  readonly minBitrateBps: number;
  readonly maxBitrateBps: number;
  readonly keyFrameIntervalMinMs: number;
}

export interface EncodingOptions {
  readonly codec: VideoCodec;
  /** Owned by the encoding. */
  readonly encoder: PictureEncoder;
  readonly loops: IdleLoops;
  readonly settings: EncodingSettings;
  readonly isConnected: (viewer: Transport) => boolean;
  readonly timers: Timers;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** A picture whose time has come. */
interface Due {
  readonly atMs: number;
  /** When the sound that it shows arrived. */
  readonly soundArrivedMs: readonly number[];
}

/**
 * One codec of a session and all viewers that take it: they share every encode. While the avatar has nothing to say for some
 * seconds, its packets come from a loop that all sessions share (see `IdleLoops`); the first word begins with a key frame.
 */
export class Encoding {
  readonly viewers = new Set<Transport>();
  readonly #options: EncodingOptions;
  readonly #estimates = new Map<Transport, number>();
  /** Encoded pictures by frame, until their time comes; or when it came, for one that is to be sent as soon as it is ready. */
  readonly #ready = new Map<number, Packet | Due>();
  #wantsKeyFrame = true;
  #lastKeyFrameMs = Number.NEGATIVE_INFINITY;
  #lastKeyFrameIndex = Number.NEGATIVE_INFINITY;
  #lastSentMs = Number.NaN;
  #bitrateBps: number;
  #ownFrames = 0;
  /** The loop frame that was shown last; null while pictures are encoded. */
  #onLoop: OwnFrame | null = null;
  #state: 'open' | 'closed' = 'open';

  constructor(options: EncodingOptions) {
    this.#options = options;
    this.#bitrateBps = options.settings.startBitrateBps;
  }

  /** What the encoder aims at now. */
  get bitrateBps(): number {
    return this.#bitrateBps;
  }

  /** Pictures that are encoded and wait for their time. */
  get waitingPictures(): number {
    return this.#ready.size;
  }

  get hasViewers(): boolean {
    for (const viewer of this.viewers) if (this.#options.isConnected(viewer)) return true;
    return false;
  }

  /**
   * Gets the packet of one frame.
   * @param own Where `picture` stands in the avatar's clip; null if a mouth was drawn into it.
   * @returns Settles when `picture` is needed no longer.
   */
  async show(frameIndex: number, picture: Frame, own: OwnFrame | null): Promise<void> {
    if (this.#state === 'closed' || !this.hasViewers) return;
    this.#ownFrames = own ? this.#ownFrames + 1 : 0;
    if (frameIndex - this.#lastKeyFrameIndex >= this.#keyFrameEveryFrames) this.#forceKeyFrame();
    const looped = own && this.#fromLoop(own, frameIndex);
    if (looped) this.#onPacket(frameIndex, looped);
    else await this.#encode(frameIndex, picture);
  }

  /**
   * Sends the picture of `frameIndex`, or marks it to go as soon as it is encoded.
   * @param soundArrivedMs When the sound that it shows arrived, to measure how long that took.
   */
  send(frameIndex: number, soundArrivedMs: readonly number[] = []): void {
    if (!this.hasViewers) return;
    const packet = this.#ready.get(frameIndex);
    const due = { atMs: this.#options.timers.nowMs(), soundArrivedMs };
    if (packet && 'data' in packet) {
      this.#ready.delete(frameIndex);
      this.#send(packet, due);
    } else {
      this.#ready.set(frameIndex, due);
      this.#options.metrics.counter('encodes_late').add();
    }
  }

  /** The next picture is a key frame, or the first one after the least interval. */
  wantKeyFrame(): void {
    this.#wantsKeyFrame = true;
  }

  /** Takes what the path to `viewer` carries. The slowest viewer decides the bitrate. */
  setEstimate(viewer: Transport, bitsPerSecond: number): void {
    this.#estimates.set(viewer, bitsPerSecond);
    const { minBitrateBps, maxBitrateBps } = this.#options.settings;
    const wanted = Math.min(...this.#estimates.values()) * BANDWIDTH_SHARE - RESERVED_BPS;
    this.#bitrateBps = Math.round(Math.min(maxBitrateBps, Math.max(minBitrateBps, wanted)));
    this.#options.encoder.setBitrate(this.#bitrateBps);
  }

  remove(viewer: Transport): void {
    this.viewers.delete(viewer);
    this.#estimates.delete(viewer);
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    this.#ready.clear();
    await this.#options.encoder.close();
  }

  /** The loop's packet for this frame, or null if it has to be encoded. */
  #fromLoop(own: OwnFrame, frameIndex: number): Packet | null {
    const { loops, codec } = this.#options;
    const before = this.#onLoop;
    this.#onLoop = null;
    const mayLoop = this.#ownFrames > OWN_FRAMES_BEFORE_LOOP && this.#bitrateBps >= loops.bitrateBps;
    const packet = mayLoop ? loops.find(own, codec)?.[own.clipFrame] : undefined;
    const goesOn =
      before !== null && before.clip === own.clip && own.clipFrame === (before.clipFrame + 1) % own.clip.frameCount;
    if (!packet || !(packet.isKeyFrame || (goesOn && !this.#wantsKeyFrame))) {
      if (before) this.#forceKeyFrame();
      return null;
    }
    this.#onLoop = own;
    if (packet.isKeyFrame) this.#onKeyFrame(frameIndex);
    this.#options.metrics.counter('frames_from_loop').add();
    return { ...packet, timestamp: frameIndex * VIDEO_TICKS_PER_FRAME };
  }

  async #encode(frameIndex: number, picture: Frame): Promise<void> {
    const { timers, metrics, settings, encoder, codec, log } = this.#options;
    if (this.#onLoop) {
      this.#onLoop = null;
      this.#forceKeyFrame();
    }
    const startedMs = timers.nowMs();
    const keyFrame = this.#wantsKeyFrame && startedMs - this.#lastKeyFrameMs >= settings.keyFrameIntervalMinMs;
    if (keyFrame) this.#onKeyFrame(frameIndex);
    try {
      const packet = await encoder.encode(picture, { frameIndex, keyFrame });
      metrics.histogram('video_encode_ms').record(timers.nowMs() - startedMs);
      this.#onPacket(frameIndex, packet);
    } catch (error) {
      this.#forceKeyFrame();
      this.#ready.delete(frameIndex);
      metrics.counter('encodes_failed').add();
      if (this.#state === 'open') log.debug({ err: error, codec }, 'encoding a picture failed');
    }
  }

  #onPacket(frameIndex: number, packet: Packet): void {
    if (this.#state === 'closed') return;
    const due = this.#ready.get(frameIndex);
    if (due && 'atMs' in due) {
      this.#ready.delete(frameIndex);
      this.#send(packet, due);
      return;
    }
    this.#ready.set(frameIndex, packet);
    if (this.#ready.size > PACKETS_WAITING) {
      this.#ready.delete(Math.min(...this.#ready.keys()));
      this.#forceKeyFrame(); // later pictures may refer to what was dropped
      this.#options.metrics.counter('packets_dropped').add();
    }
  }

  /** @param due When the sound of this picture was sent. */
  #send(packet: Packet, due: Due): void {
    const { timers, metrics, isConnected } = this.#options;
    const startedMs = timers.nowMs();
    for (const viewer of this.viewers) if (isConnected(viewer)) viewer.sendVideo(packet);
    metrics.histogram('packetise_ms').record(timers.nowMs() - startedMs);
    metrics.histogram('frame_gap_ms').record(startedMs - this.#lastSentMs);
    metrics.histogram('picture_after_sound_ms').record(startedMs - due.atMs);
    for (const arrivedMs of due.soundArrivedMs) metrics.histogram('arrival_to_sent_ms').record(startedMs - arrivedMs);
    this.#lastSentMs = startedMs;
    metrics.counter('video_frames_sent').add();
    metrics.counter('video_bytes_sent').add(packet.data.byteLength);
    if (packet.isKeyFrame) metrics.counter('key_frames_sent').add();
  }

  #onKeyFrame(frameIndex: number): void {
    this.#wantsKeyFrame = false;
    this.#lastKeyFrameMs = this.#options.timers.nowMs();
    this.#lastKeyFrameIndex = frameIndex;
  }

  /** The least that a viewer asks for. */
  get #keyFrameEveryFrames(): number {
    let every = Number.POSITIVE_INFINITY;
    for (const viewer of this.viewers) every = Math.min(every, viewer.keyFrameEveryFrames ?? every);
    return every;
  }

  /** The next picture cannot be decoded otherwise: the least interval does not count. */
  #forceKeyFrame(): void {
    this.#wantsKeyFrame = true;
    this.#lastKeyFrameMs = Number.NEGATIVE_INFINITY;
  }
}
