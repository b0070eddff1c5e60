import { type AudioChunk, FRAMES_PER_SECOND } from '../audio/pcm.ts';
import type { Frame } from '../codecs/frame.ts';
import { OPUS_DELAY_SAMPLES } from '../codecs/opus-encoder.ts';
import type { VideoCodec } from '../codecs/packet.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Timers } from '../timers.ts';
import type { Transport, TransportEvents } from '../transports/transport.ts';
import type { EncoderSource, SoundEncoder } from './encoder-source.ts';
import { Encoding, type EncodingSettings } from './encoding.ts';
import type { IdleLoops, OwnFrame } from './idle-loops.ts';

export interface ViewerSettings extends EncodingSettings {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly opusBitrateBps: number;
}

export interface ViewersOptions {
  readonly settings: ViewerSettings;
  readonly encoders: EncoderSource;
  readonly loops: IdleLoops;
  readonly timers: Timers;
  readonly metrics: Metrics;
  readonly log: Log;
  /** A viewer connected. */
  readonly onConnected: () => void;
  /** The last viewer left. */
  readonly onEmpty: (reason: string) => void;
}

/** How one encoder of a session is doing. */
export interface EncoderFigures {
  readonly codec: VideoCodec;
  /** What it aims at now. */
  readonly bitrateBps: number;
  /** Pictures that are encoded and wait for their time. */
  readonly waitingPictures: number;
}

/**
 * The viewers of one session and the encoders they share: one for each video codec in use, one for sound. Owns the encoders
 * and the transports.
 */
export class Viewers {
  readonly #options: ViewersOptions;
  readonly #encodings = new Map<VideoCodec, Encoding>();
  readonly #transports = new Set<Transport>();
  readonly #connected = new Set<Transport>();
  #sound: SoundEncoder | null = null;
  #originEpochMs: number | null = null;
  #state: 'open' | 'closed' = 'open';

  constructor(options: ViewersOptions) {
    this.#options = options;
  }

  /** Viewers that are connected, or about to be. */
  get count(): number {
    return this.#transports.size;
  }

  /** Sets when media time 0 is sent (Unix ms); viewers that come later learn it too. */
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
    // What the transport says before it was handed over.
    let isConnected = false;
    let closedBecause: string | null = null;
    const events: TransportEvents = {
      onKeyFrameRequest: () => this.#encodingOf(transport)?.wantKeyFrame(),
      onBandwidth: (bps) => transport && this.#encodingOf(transport)?.setEstimate(transport, bps),
      onConnected: () => {
        isConnected = true;
        if (transport) this.#connect(transport);
      },
      onClosed: (reason) => {
        closedBecause = reason;
        if (transport) this.#remove(transport, reason);
      },
    };
    const made = await make(events);
    try {
      if (made.wantsAudio) await this.#openSound();
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
    if (closedBecause !== null) this.#remove(made, closedBecause);
    else if (isConnected) this.#connect(made);
    return made;
  }

  /**
   * Shows `picture` to all viewers. Settles when its memory is needed no longer.
   * @param own Where it stands in the avatar's clip; null if a mouth was drawn into it.
   */
  async show(frameIndex: number, picture: Frame, own: OwnFrame | null): Promise<void> {
    await Promise.all([...this.#encodings.values()].map((encoding) => encoding.show(frameIndex, picture, own)));
  }

  /**
   * Sends the pictures of `frameIndex`, or marks them to go as soon as they are encoded.
   * @param soundArrivedMs When the sound that they show arrived.
   */
  sendPicture(frameIndex: number, soundArrivedMs: readonly number[]): void {
    for (const encoding of this.#encodings.values()) encoding.send(frameIndex, soundArrivedMs);
  }

  /** How each encoder of pictures is doing. */
  encoders(): readonly EncoderFigures[] {
    return [...this.#encodings].map(([codec, { bitrateBps, waitingPictures }]) => ({
      codec,
      bitrateBps,
      waitingPictures,
    }));
  }

  /** Encodes and sends 20 ms of sound. */
  sendSound(chunk: Pick<AudioChunk, 'heard' | 'startSample'>): void {
    const listeners = [...this.#connected].filter((transport) => transport.wantsAudio);
    if (!this.#sound || listeners.length === 0) return;
    const { timers, metrics } = this.#options;
    const startedMs = timers.nowMs();
    // Decoders give the sound back this much later than it went in: stamped earlier, it is heard on time.
    const packet = this.#sound.encode(chunk.heard, chunk.startSample - OPUS_DELAY_SAMPLES);
    metrics.histogram('opus_encode_ms').record(timers.nowMs() - startedMs);
    for (const transport of listeners) transport.sendAudio(packet);
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    const transports = [...this.#transports];
    this.#transports.clear();
    this.#connected.clear();
    await Promise.all(transports.map((transport) => transport.close()));
    await Promise.all([...this.#encodings.values()].map((encoding) => encoding.close()));
    await this.#sound?.close();
    this.#encodings.clear();
    this.#sound = null;
  }

  async #openSound(): Promise<void> {
    const { encoders, settings } = this.#options;
    this.#sound ??= await encoders.openOpus({ bitrateBps: settings.opusBitrateBps });
  }

  async #encoding(codec: VideoCodec): Promise<Encoding> {
    const known = this.#encodings.get(codec);
    if (known) return known;
    const { settings, encoders, loops, timers, metrics, log } = this.#options;
    const { widthPx, heightPx, startBitrateBps } = settings;
    const encoder = await encoders.openVideo({
      codec,
      widthPx,
      heightPx,
      framesPerSecond: FRAMES_PER_SECOND,
      bitrateBps: startBitrateBps,
    });
    const isConnected = (viewer: Transport): boolean => this.#connected.has(viewer);
    const encoding = new Encoding({ codec, encoder, loops, settings, isConnected, timers, metrics, log });
    this.#encodings.set(codec, encoding);
    return encoding;
  }

  #connect(transport: Transport): void {
    if (this.#state === 'closed' || this.#connected.has(transport)) return;
    this.#connected.add(transport);
    if (this.#originEpochMs !== null) transport.start(this.#originEpochMs);
    this.#encodingOf(transport)?.wantKeyFrame();
    this.#options.onConnected();
  }

  #remove(transport: Transport, reason: string): void {
    if (!this.#transports.delete(transport)) return;
    this.#connected.delete(transport);
    for (const encoding of this.#encodings.values()) encoding.remove(transport);
    void transport.close();
    if (this.#transports.size === 0) this.#options.onEmpty(reason);
  }

  #encodingOf(transport: Transport | null): Encoding | undefined {
    return transport?.videoCodec ? this.#encodings.get(transport.videoCodec) : undefined;
  }
}
