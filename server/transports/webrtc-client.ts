import {
  MediaStreamTrack,
  type RTCPeerConnection,
  type RTCRtpReceiver,
  type RTCRtpTransceiver,
  type RtcpPayloadSpecificFeedback,
  RtcpSrPacket,
} from 'werift';
import { CHUNK_SAMPLES, SAMPLE_RATE_HZ } from '../audio/pcm.ts';
import type { VideoCodec } from '../codecs/packet.ts';
import { AppError } from '../errors.ts';
import { sayGoodbye } from './dtls-goodbye.ts';
import { FrameAssembler, type ReceivedFrame } from './frame-assembler.ts';
import { CipheredPacket, HeaderReceiver } from './header-receiver.ts';
import type { TrickledCandidate } from './ice-candidate.ts';
import { createConnection, type IceServer, prepareGathering, resumeChecks } from './peer-connection.ts';
import { epochMsOf, fixSenderReports, RtpClock } from './sender-reports.ts';
import { SoundSender } from './sound-sender.ts';
import { bandwidthReport, fullIntraRequest, pictureLoss } from './viewer-feedback.ts';

export interface ClientOptions {
  /** Codecs offered for the picture; empty for none. Default H.264, then VP8. */
  readonly videoCodecs?: readonly VideoCodec[];
  /** What is offered for sound. Default `sendrecv`. */
  readonly audio?: 'sendrecv' | 'sendonly' | 'recvonly' | 'none';
  /** Also offer a data channel. */
  readonly dataChannel?: boolean;
  /** Addresses to announce besides those of the machine. Default 127.0.0.1. */
  readonly hostAddresses?: readonly string[];
  readonly iceServers?: readonly IceServer[];
  readonly transportPolicy?: 'all' | 'relay';
  /** Ask for a key frame when packets are lost for good. Default true. */
  readonly recovers?: boolean;
  /**
   * With `headers` what the payload of pictures and sound says is not looked at, which makes the viewer cheaper:
   * `onSound` does not come, and pictures are deciphered only where one has to know whether they are key frames, at the start
   * and after a gap. They count and get lost as ever, and the server hears the same. Default `whole`.
   */
  readonly media?: 'whole' | 'headers';
  /** Says which packets of the server get lost on the way. For tests and benches. */
  readonly loses?: (packet: {
    readonly ssrc: number;
    readonly payloadType: number;
    readonly sequenceNumber: number;
  }) => boolean;
}

/** One packet of sound, as it arrived. */
export interface ReceivedSound {
  readonly payload: Uint8Array;
  /** 48 kHz, 32 bit, wraps. */
  readonly rtpTimestamp: number;
  readonly sequenceNumber: number;
  readonly arrivedMs: number;
}

/** What the server says of its clocks: `rtpTimestamp` of that track was captured at `epochMs`. */
export interface ReceivedReport {
  readonly kind: 'audio' | 'video';
  readonly epochMs: number;
  readonly rtpTimestamp: number;
}

export interface ClientEvents {
  onConnected?(): void;
  onVideoFrame?(frame: ReceivedFrame): void;
  /** Packets of the picture were lost for good. */
  onVideoGap?(): void;
  onSound?(sound: ReceivedSound): void;
  onSenderReport?(report: ReceivedReport): void;
  /** The server ended the connection or it failed. Once; not after `close()`. */
  onClosed?(reason: string): void;
}

/** The other end of a `WebRtcPeer`: a viewer without a screen, for command lines, benches and tests. Counts, does not decode. */
export class WebRtcClient {
  readonly #connection: RTCPeerConnection;
  readonly #network: Parameters<typeof prepareGathering>[1];
  readonly #options: ClientOptions;
  readonly #events: ClientEvents;
  readonly #microphone = new MediaStreamTrack({ kind: 'audio' });
  readonly #watched = new WeakSet<object>();
  #audio: RTCRtpTransceiver | null = null;
  #video: RTCRtpTransceiver | null = null;
  #frames: FrameAssembler | null = null;
  #sound: SoundSender | null = null;
  #soundTicks = 0;
  #fullIntraRequests = 0;
  #state: 'new' | 'connecting' | 'connected' | 'closed' = 'new';

  constructor(options: ClientOptions = {}, events: ClientEvents = {}) {
    this.#options = options;
    this.#events = events;
    this.#network = {
      iceServers: options.iceServers ?? [],
      transportPolicy: options.transportPolicy ?? 'all',
      hostAddresses: options.hostAddresses ?? ['127.0.0.1'],
      portRange: null,
      useTcp: false,
      useIpv6: false,
    };
    this.#connection = createConnection(this.#network, options.videoCodecs ?? ['H264', 'VP8']);
    this.#connection.connectionStateChange.subscribe((state) => {
      if (state === 'failed') this.#end('the connection failed');
    });
  }

  /** SSRC of the server's pictures, once connected. */
  get videoSsrc(): number | null {
    return this.#video?.receiver.track.ssrc ?? null;
  }

  /** Offers, hands the offer to `exchange`, and takes the answer. Settles when the connection is up. */
  async connect(exchange: (offerSdp: string) => Promise<string>): Promise<void> {
    if (this.#state !== 'new') throw new TypeError('connect() may be called once');
    this.#state = 'connecting';
    const { audio = 'sendrecv', videoCodecs = ['H264', 'VP8'] } = this.#options;
    if (audio !== 'none') {
      const isSending = audio !== 'recvonly';
      this.#audio = this.#connection.addTransceiver(isSending ? this.#microphone : 'audio', { direction: audio });
    }
    if (videoCodecs.length > 0) this.#video = this.#connection.addTransceiver('video', { direction: 'recvonly' });
    if (this.#options.dataChannel) this.#connection.createDataChannel('data');
    await this.#exchange(exchange, false);
    await this.#untilConnected();
  }

  /** Offers an ICE restart, and with `audio` another direction for sound. */
  async restart(
    exchange: (offerSdp: string) => Promise<string>,
    audio?: 'sendrecv' | 'recvonly' | 'inactive',
  ): Promise<void> {
    if (audio) this.#audio?.setDirection(audio);
    await this.#exchange(exchange, true);
    resumeChecks(this.#connection);
  }

  /** Takes a candidate of the server. */
  addIceCandidate(candidate: TrickledCandidate | null): void {
    if (candidate) void this.#connection.addIceCandidate({ ...candidate }).catch(() => {});
  }

  /** Sends 20 ms of sound. @param opus One Opus packet. */
  sendSound(opus: Uint8Array): void {
    if (!this.#audio || this.#state === 'closed') return;
    this.#sound ??= this.#openSound(this.#audio);
    this.#sound.send(opus, this.#soundTicks);
    this.#soundTicks += CHUNK_SAMPLES;
  }

  /** What is said next is said now. */
  #openSound(transceiver: RTCRtpTransceiver): SoundSender {
    const clock = new RtpClock(SAMPLE_RATE_HZ, 0);
    const originEpochMs = Date.now();
    fixSenderReports(transceiver.sender, clock, () => originEpochMs);
    return new SoundSender(transceiver, clock, 0);
  }

  /** Asks for a key frame as browsers do: the request bears the microphone's SSRC. */
  requestKeyFrame(kind: 'pli' | 'fir' = 'pli'): void {
    const mediaSsrc = this.videoSsrc;
    if (mediaSsrc === null) return;
    const senderSsrc = (this.#audio ?? this.#video)!.sender.ssrc;
    if (kind === 'fir') this.#fullIntraRequests = (this.#fullIntraRequests + 1) & 0xff;
    this.#send(
      kind === 'pli'
        ? pictureLoss(senderSsrc, mediaSsrc)
        : fullIntraRequest(senderSsrc, mediaSsrc, this.#fullIntraRequests),
    );
  }

  /** Tells the server what the path carries, bit/s, as browsers do. */
  reportBandwidth(bitsPerSecond: number): void {
    const mediaSsrc = this.videoSsrc;
    if (mediaSsrc !== null) this.#send(bandwidthReport(this.#video!.sender.ssrc, mediaSsrc, bitsPerSecond));
  }

  /** Ends the connection. @param isAbrupt Vanish without a word. Idempotent. */
  async close({ isAbrupt = false } = {}): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#microphone.stop();
    if (!isAbrupt) await Promise.all(this.#connection.dtlsTransports.map(sayGoodbye));
    await this.#connection.close();
  }

  async #exchange(exchange: (offerSdp: string) => Promise<string>, iceRestart: boolean): Promise<void> {
    const connection = this.#connection;
    const offer = await connection.createOffer({ iceRestart });
    prepareGathering(connection, this.#network);
    await connection.setLocalDescription(offer);
    const answerSdp = await exchange(connection.localDescription!.sdp);
    for (const transport of connection.dtlsTransports) this.#watch(transport);
    await connection.setRemoteDescription({ type: 'answer', sdp: answerSdp });
    for (const track of this.#video?.receiver.tracks ?? []) this.#receiveVideo(track);
  }

  #watch(transport: RTCPeerConnection['dtlsTransports'][number]): void {
    if (this.#watched.has(transport)) return;
    this.#watched.add(transport);
    const { loses, media } = this.#options;
    if (media === 'headers') new HeaderReceiver(transport, (type) => this.#receiverOf(type), loses);
    if (loses) {
      const deliver = transport.onRtp.execute;
      transport.onRtp.execute = (packet) => {
        if (!loses(packet.header)) deliver(packet);
      };
    }
    transport.onRtp.subscribe(({ header, payload }) => {
      if (header.payloadType !== this.#audio?.codecs[0]?.payloadType) return;
      const { timestamp: rtpTimestamp, sequenceNumber } = header;
      this.#events.onSound?.({ payload, rtpTimestamp, sequenceNumber, arrivedMs: performance.now() });
    });
    transport.onRtcp.subscribe((packet) => {
      if (!(packet instanceof RtcpSrPacket)) return;
      const { ntpTimestamp, rtpTimestamp } = packet.senderInfo;
      const kind = packet.ssrc === this.videoSsrc ? 'video' : 'audio';
      this.#events.onSenderReport?.({ kind, epochMs: epochMsOf(ntpTimestamp), rtpTimestamp });
    });
    transport.onStateChange.subscribe((state) => {
      if (state === 'closed') this.#end('the server closed the connection');
    });
  }

  /** Whose media needs no deciphering now, by payload type. */
  #receiverOf(payloadType: number): RTCRtpReceiver | null {
    if (payloadType === this.#audio?.codecs[0]?.payloadType) return this.#audio.receiver;
    if (payloadType !== this.#video?.codecs[0]?.payloadType || (this.#frames?.waitsForKeyFrame ?? true)) return null;
    return this.#video.receiver;
  }

  #receiveVideo(track: MediaStreamTrack): void {
    if (this.#watched.has(track)) return;
    this.#watched.add(track);
    const codec: VideoCodec = this.#video?.codecs[0]?.name.toUpperCase() === 'VP8' ? 'VP8' : 'H264';
    const frames = new FrameAssembler(
      codec,
      (frame) => this.#events.onVideoFrame?.(frame),
      () => {
        this.#events.onVideoGap?.();
        if (this.#options.recovers ?? true) this.requestKeyFrame();
      },
    );
    this.#frames = frames;
    track.onReceiveRtp.subscribe((packet) => {
      const { sequenceNumber, timestamp, marker } = packet.header;
      const isCiphered = packet instanceof CipheredPacket;
      frames.push({ sequenceNumber, timestamp, marker, payload: packet.payload, isCiphered }, performance.now());
    });
  }

  /** @throws {AppError} `transport_failed` if the connection does not come about. */
  async #untilConnected(): Promise<void> {
    const transports = this.#connection.dtlsTransports;
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (transports.every(({ state }) => state === 'connected')) resolve();
        else if (this.#state === 'closed' || transports.some(({ state }) => state === 'failed' || state === 'closed')) {
          reject(new AppError('transport_failed', 'The connection to the server did not come about.'));
        }
      };
      for (const transport of transports) transport.onStateChange.subscribe(look);
      this.#connection.connectionStateChange.subscribe((state) => {
        if (state !== 'failed' && state !== 'closed') return;
        reject(new AppError('transport_failed', 'The connection to the server did not come about.'));
      });
      look();
    });
    if (this.#state === 'connecting') this.#state = 'connected';
    this.#events.onConnected?.();
  }

  #send(feedback: RtcpPayloadSpecificFeedback): void {
    this.#connection.dtlsTransports[0]?.sendRtcp([feedback]).catch(() => {});
  }

  #end(reason: string): void {
    if (this.#state === 'closed') return;
    void this.close({ isAbrupt: true });
    this.#events.onClosed?.(reason);
  }
}
