import type { AudioChunk } from '../audio/pcm.ts';
import type { Frame } from '../codecs/frame.ts';
import { OPUS_DELAY_SAMPLES } from '../codecs/opus-encoder.ts';
import type { Packet, VideoCodec } from '../codecs/packet.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Timers } from '../timers.ts';
import type { Transport, TransportEvents } from '../transports/transport.ts';

/** What {@link Viewers} need of a video encoder (codecs/video-encoder.ts). */
export interface PictureEncoder {
  encode(frame: Frame, options: { frameIndex: number; keyFrame: boolean }): Promise<Packet>;
  setBitrate(bitsPerSecond: number): void;
  close(): Promise<void>;
}

/** What {@link Viewers} need of a sound encoder (codecs/opus-encoder.ts). */
export interface SoundEncoder {
  encode(samples: Float32Array, startSample: number): Packet;
  close(): void | Promise<void>;
}

export interface EncoderSource {
  openVideo(options: {
    codec: VideoCodec;
    widthPx: number;
    heightPx: number;
    framesPerSecond: number;
    bitrateBps: number;
  }): Promise<PictureEncoder>;
  openOpus(options: { bitrateBps: number }): Promise<SoundEncoder>;
}

export interface ViewerSettings {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly framesPerSecond: number;
  readonly startBitrateBps: number;
  readonly minBitrateBps: number;
  readonly maxBitrateBps: number;
  readonly keyFrameIntervalMinMs: number;
  readonly opusBitrateBps: number;
}

/** Share of the estimated bandwidth that pictures may fill, and what is set aside for sound and retransmissions. */
const BANDWIDTH_SHARE = 0.85;
const RESERVED_BPS = 40_000;
/** Pictures that may wait for their packets or their time; beyond that the oldest are dropped and counted. */
const PACKETS_WAITING = 12;

/** One encoder and all viewers that take its codec: they share every encode. */
interface Encoding {
  readonly codec: VideoCodec;
  readonly encoder: PictureEncoder;
  readonly viewers: Set<Transport>;
  readonly estimates: Map<Transport, number>;
  /** Encoded pictures by frame, until their time comes. Null: its time has come, send it when it is ready. */
  readonly ready: Map<number, Packet | null>;
  wantsKeyFrame: boolean;
  lastKeyFrameMs: number;
  lastSentMs: number;
}

/**
 * The viewers of one session and the encoders they share: one for each video codec in use, one for sound. Owns the encoders
 * and the transports.
 */
export class Viewers {
  readonly #settings: ViewerSettings;
  readonly #encoders: EncoderSource;
  readonly #timers: Timers;
  readonly #metrics: Metrics;
  readonly #log: Log;
  readonly #encodings = new Map<VideoCodec, Encoding>();
  readonly #transports = new Set<Transport>();
  readonly #connected = new Set<Transport>();
  readonly #onConnected: () => void;
  readonly #onEmpty: (reason: string) => void;
  #sound: SoundEncoder | null = null;
  #originEpochMs: number | null = null;
  #state: 'open' | 'closed' = 'open';

  constructor(options: {
    settings: ViewerSettings;
    encoders: EncoderSource;
    timers: Timers;
    metrics: Metrics;
    log: Log;
    /** A viewer connected. */
    onConnected: () => void;
    /** The last viewer left. */
    onEmpty: (reason: string) => void;
  }) {
    this.#settings = options.settings;
    this.#encoders = options.encoders;
    this.#timers = options.timers;
    this.#metrics = options.metrics;
    this.#log = options.log;
    this.#onConnected = options.onConnected;
    this.#onEmpty = options.onEmpty;
  }

  get isConnected(): boolean {
    return this.#connected.size > 0;
  }

  /** Sets when media time 0 is sent (Unix ms), once; viewers that come later learn it too. */
  start(originEpochMs: number): void {
    this.#originEpochMs = originEpochMs;
    for (const transport of this.#connected) transport.start(originEpochMs);
  }

  /**
   * Adds the viewer that `make` creates.
   * @throws what `make` throws, or {@link AppError} `codec_failed` if its codec cannot be opened; the transport is closed then.
   */
  async add(make: (events: TransportEvents) => Promise<Transport>): Promise<Transport> {
    let transport: Transport | null = null;
    let early: 'waiting' | 'connected' | string = 'waiting';
    const events: TransportEvents = {
      onKeyFrameRequest: () => this.#wantKeyFrame(transport),
      onBandwidth: (bps) => this.#setEstimate(transport, bps),
      onConnected: () => {
        if (transport) this.#connect(transport);
        else early = 'connected';
      },
      onClosed: (reason) => {
        if (transport) this.#remove(transport, reason);
        else early = reason;
      },
    };
    const made = await make(events);
    try {
      this.#sound ??= await this.#encoders.openOpus({ bitrateBps: this.#settings.opusBitrateBps });
      if (made.videoCodec) (await this.#encoding(made.videoCodec)).viewers.add(made);
    } catch (error) {
      await made.close();
      throw error;
    }
    if (this.#state === 'closed') {
      await made.close();
      return made;
    }
    transport = made;
    this.#transports.add(made);
    if (early === 'connected') this.#connect(made);
    else if (early !== 'waiting') this.#remove(made, early);
    return made;
  }

  /** Encodes `picture` once per codec in use. Settles when the encoders need its memory no longer. */
  async show(frameIndex: number, picture: Frame): Promise<void> {
    await Promise.all([...this.#encodings.values()].map((encoding) => this.#encode(encoding, frameIndex, picture)));
  }

  /** Sends the pictures of `frameIndex`, or marks them to go as soon as they are encoded. */
  sendPicture(frameIndex: number): void {
    for (const encoding of this.#encodings.values()) {
      if (!hasConnected(encoding, this.#connected)) continue;
      const packet = encoding.ready.get(frameIndex);
      if (packet) {
        encoding.ready.delete(frameIndex);
        this.#sendVideo(encoding, packet);
      } else {
        encoding.ready.set(frameIndex, null);
        this.#metrics.counter('encodes_late').add();
      }
    }
  }

  /** Encodes and sends 20 ms of sound. */
  sendSound(chunk: Pick<AudioChunk, 'heard' | 'startSample'>): void {
    if (!this.#sound) return;
    const startedMs = this.#timers.nowMs();
    // Decoders give the sound back this much later than it went in: stamped earlier, it is heard on time.
    const packet = this.#sound.encode(chunk.heard, chunk.startSample - OPUS_DELAY_SAMPLES);
    this.#metrics.histogram('opus_encode_ms').record(this.#timers.nowMs() - startedMs);
    for (const transport of this.#connected) if (transport.wantsAudio) transport.sendAudio(packet);
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    const transports = [...this.#transports];
    this.#transports.clear();
    this.#connected.clear();
    await Promise.all(transports.map((transport) => transport.close()));
    await Promise.all([...this.#encodings.values()].map(({ encoder }) => encoder.close()));
    await this.#sound?.close();
    this.#encodings.clear();
    this.#sound = null;
  }

  async #encoding(codec: VideoCodec): Promise<Encoding> {
    const known = this.#encodings.get(codec);
    if (known) return known;
    const { widthPx, heightPx, framesPerSecond, startBitrateBps } = this.#settings;
    const encoder = await this.#encoders.openVideo({
      codec,
      widthPx,
      heightPx,
      framesPerSecond,
      bitrateBps: startBitrateBps,
    });
    const encoding: Encoding = {
      codec,
      encoder,
      viewers: new Set(),
      estimates: new Map(),
      ready: new Map(),
      wantsKeyFrame: true,
      lastKeyFrameMs: Number.NEGATIVE_INFINITY,
      lastSentMs: Number.NaN,
    };
    this.#encodings.set(codec, encoding);
    return encoding;
  }

  async #encode(encoding: Encoding, frameIndex: number, picture: Frame): Promise<void> {
    if (this.#state === 'closed' || !hasConnected(encoding, this.#connected)) return;
    const startedMs = this.#timers.nowMs();
    const isKeyDue =
      encoding.wantsKeyFrame && startedMs - encoding.lastKeyFrameMs >= this.#settings.keyFrameIntervalMinMs;
    if (isKeyDue) {
      encoding.wantsKeyFrame = false;
      encoding.lastKeyFrameMs = startedMs;
    }
    try {
      const packet = await encoding.encoder.encode(picture, { frameIndex, keyFrame: isKeyDue });
      this.#metrics.histogram('video_encode_ms').record(this.#timers.nowMs() - startedMs);
      this.#onEncoded(encoding, frameIndex, packet);
    } catch (error) {
      encoding.wantsKeyFrame = true;
      encoding.ready.delete(frameIndex);
      this.#metrics.counter('encodes_failed').add();
      if (this.#state === 'open') this.#log.debug({ err: error, codec: encoding.codec }, 'encoding a picture failed');
    }
  }

  #onEncoded(encoding: Encoding, frameIndex: number, packet: Packet): void {
    if (this.#state === 'closed') return;
    if (encoding.ready.get(frameIndex) === null) {
      encoding.ready.delete(frameIndex);
      this.#sendVideo(encoding, packet);
      return;
    }
    encoding.ready.set(frameIndex, packet);
    if (encoding.ready.size > PACKETS_WAITING) {
      const oldest = Math.min(...encoding.ready.keys());
      encoding.ready.delete(oldest);
      encoding.wantsKeyFrame = true; // what was dropped may be referred to
      this.#metrics.counter('packets_dropped').add();
    }
  }

  #sendVideo(encoding: Encoding, packet: Packet): void {
    const startedMs = this.#timers.nowMs();
    for (const transport of encoding.viewers) if (this.#connected.has(transport)) transport.sendVideo(packet);
    this.#metrics.histogram('packetise_ms').record(this.#timers.nowMs() - startedMs);
    this.#metrics.histogram('frame_gap_ms').record(startedMs - encoding.lastSentMs);
    encoding.lastSentMs = startedMs;
    this.#metrics.counter('video_frames_sent').add();
    this.#metrics.counter('video_bytes_sent').add(packet.data.byteLength);
    if (packet.isKeyFrame) this.#metrics.counter('key_frames_sent').add();
  }

  #connect(transport: Transport): void {
    if (this.#state === 'closed' || this.#connected.has(transport)) return;
    this.#connected.add(transport);
    if (this.#originEpochMs !== null) transport.start(this.#originEpochMs);
    this.#wantKeyFrame(transport);
    this.#onConnected();
  }

  #remove(transport: Transport, reason: string): void {
    if (!this.#transports.delete(transport)) return;
    this.#connected.delete(transport);
    for (const encoding of this.#encodings.values()) {
      encoding.viewers.delete(transport);
      encoding.estimates.delete(transport);
    }
    void transport.close();
    if (this.#transports.size === 0) this.#onEmpty(reason);
  }

  #wantKeyFrame(transport: Transport | null): void {
    const encoding = this.#encodingOf(transport);
    if (encoding) encoding.wantsKeyFrame = true;
  }

  /** The slowest viewer of an encode decides its bitrate. */
  #setEstimate(transport: Transport | null, bitsPerSecond: number): void {
    const encoding = this.#encodingOf(transport);
    if (!encoding || !transport) return;
    encoding.estimates.set(transport, bitsPerSecond);
    const slowest = Math.min(...encoding.estimates.values());
    const { minBitrateBps, maxBitrateBps } = this.#settings;
    const wanted = slowest * BANDWIDTH_SHARE - RESERVED_BPS;
    encoding.encoder.setBitrate(Math.round(Math.min(maxBitrateBps, Math.max(minBitrateBps, wanted))));
  }

  #encodingOf(transport: Transport | null): Encoding | undefined {
    return transport?.videoCodec ? this.#encodings.get(transport.videoCodec) : undefined;
  }
}

function hasConnected(encoding: Encoding, connected: ReadonlySet<Transport>): boolean {
  for (const viewer of encoding.viewers) if (connected.has(viewer)) return true;
  return false;
}
