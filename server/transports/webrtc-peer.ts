import type { RTCDtlsTransport, RTCPeerConnection } from 'werift';
import { SAMPLE_RATE_HZ } from '../audio/pcm.ts';
import { type Packet, VIDEO_CLOCK_HZ, type VideoCodec } from '../codecs/packet.ts';
import { AppError } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import { processTimers, type Timers } from '../timers.ts';
import { sayGoodbye } from './dtls-goodbye.ts';
import { renumberRepetitions } from './dtls-repetitions.ts';
import { Feedback, type ReceiverFigures } from './feedback.ts';
import { readTrickled, type TrickledCandidate } from './ice-candidate.ts';
import { Liveness } from './liveness.ts';
import { type Offer, readOffer } from './offer.ts';
import { OutgoingTracks } from './outgoing-tracks.ts';
import { createConnection, type NetworkOptions, prepareGathering, resumeChecks } from './peer-connection.ts';
import { type PeerFigures, readFigures, roundTripMs } from './peer-figures.ts';
import { RetransmissionBudget, type RetransmissionBudgetOptions } from './retransmission-budget.ts';
import type { Transport, TransportEvents } from './transport.ts';

/** A viewer that vanishes is told to the session within 15 s: this much silence, and up to a second to notice. */
const DEFAULT_DISCONNECT_TIMEOUT_MS = 12_000;
/** Candidates of one viewer that are used; each is tried from every address of this machine. */
const MAX_CANDIDATES = 100;
/** A key frame in place of repetitions is asked for at most this often: it has to get through the same path. */
const REFUSAL_INTERVAL_MS = 1000;

export interface PeerOptions extends NetworkOptions {
  /** What may be sent again on request. */
  readonly retransmissionBudget?: RetransmissionBudgetOptions;
  /** Silence after which the viewer is given up, and time it has to connect. Default 12 000. */
  readonly disconnectTimeoutMs?: number;
  readonly timers?: Timers;
  /** Counts what viewers report: loss, round trip, key frames asked for, repetitions. */
  readonly metrics?: Metrics;
}

/** One Opus packet of the viewer's microphone, as it arrived: not reordered, not checked for gaps. */
export interface MicrophonePacket {
  /** Owned by the receiver. */
  readonly payload: Uint8Array;
  /** 16 bit, wraps. */
  readonly sequenceNumber: number;
  /** 48 kHz, 32 bit, wraps. */
  readonly timestamp: number;
  /** `performance.now()` ms. */
  readonly arrivedMs: number;
  readonly ssrc: number;
}

export interface PeerEvents extends TransportEvents {
  onMicrophonePacket(packet: MicrophonePacket): void;
  /** A candidate of this side, null after the last one. Not before the answer has been given. */
  onIceCandidate(candidate: { candidate: string; sdpMid: string | null; sdpMLineIndex: number | null } | null): void;
}

/**
 * One viewer over WebRTC: sends it sound and pictures, receives its microphone. Answers offers; never makes one.
 *
 * `onClosed` comes once when the viewer ends the connection, vanishes, or never gets through; not after `close()`.
 */
export class WebRtcPeer implements Transport {
  readonly #connection: RTCPeerConnection;
  readonly #options: PeerOptions;
  readonly #events: PeerEvents;
  readonly #timers: Timers;
  readonly #feedback: Feedback;
  readonly #budget: RetransmissionBudget;
  readonly #tracks: OutgoingTracks;
  readonly #liveness: Liveness;
  readonly #watched = new WeakSet<object>();
  #offer: Offer;
  #originEpochMs = Number.NaN;
  #candidatesTaken = 0;
  #refusedMs = Number.NEGATIVE_INFINITY;
  #negotiation: Promise<unknown> = Promise.resolve();
  #earlyCandidates: Parameters<PeerEvents['onIceCandidate']>[0][] | null = [];
  #state: 'connecting' | 'connected' | 'closed' = 'connecting';
  #closing: Promise<void> | null = null;
  readonly #closed = Promise.withResolvers<never>();

  private constructor(offer: Offer, options: PeerOptions, events: PeerEvents) {
    this.#offer = offer;
    this.#options = options;
    this.#closed.promise.catch(() => {});
    this.#events = events;
    this.#timers = options.timers ?? processTimers;
    const nowMs = (): number => this.#timers.nowMs();
    this.#connection = createConnection(options, offer.videoCodec ? [offer.videoCodec] : ['H264', 'VP8']);
    this.#budget = new RetransmissionBudget(nowMs, options.retransmissionBudget);
    this.#tracks = new OutgoingTracks({
      budget: this.#budget,
      originEpochMs: () => this.#originEpochMs,
      onRefused: () => this.#onRefused(),
      timers: this.#timers,
    });
    this.#feedback = new Feedback({
      videoSsrc: () => this.#tracks.videoSender?.ssrc ?? null,
      onKeyFrameRequest: () => {
        options.metrics?.counter('key_frames_requested').add();
        this.#whileOpen(() => events.onKeyFrameRequest());
      },
      onBandwidth: (bps) => this.#whileOpen(() => events.onBandwidth(bps)),
      onReport: (ssrc, report) => this.#measure(ssrc, report),
      nowMs,
    });
    this.#liveness = new Liveness({
      heard: () => this.#heard(),
      onSilent: (phase) => this.#end(phase === 'connected' ? 'the viewer vanished' : 'no connection came about'),
      silenceMs: options.disconnectTimeoutMs ?? DEFAULT_DISCONNECT_TIMEOUT_MS,
      timers: this.#timers,
    });
    this.#connection.onIceCandidate.subscribe((candidate) => {
      const { candidate: text, sdpMid, sdpMLineIndex } = candidate ?? {};
      const told = text ? { candidate: text, sdpMid: sdpMid ?? null, sdpMLineIndex: sdpMLineIndex ?? null } : null;
      if (this.#earlyCandidates) this.#earlyCandidates.push(told);
      else this.#whileOpen(() => events.onIceCandidate(told));
    });
    this.#connection.connectionStateChange.subscribe((state) => {
      if (state === 'failed') this.#end('the connection failed');
    });
  }

  /**
   * Answers a viewer's offer. The answer holds the candidates that are known by then. Candidates of the viewer that arrive
   * meanwhile are the caller's to keep until this returns.
   *
   * @throws {AppError} `bad_sdp` or `no_media` before anything is opened; `port_unavailable` if no port is free.
   */
  static async answer(
    offerSdp: string,
    options: PeerOptions,
    events: PeerEvents,
  ): Promise<{ peer: WebRtcPeer; answerSdp: string }> {
    const offer = readOffer(offerSdp);
    const peer = new WebRtcPeer(offer, options, events);
    try {
      const answerSdp = await peer.#negotiate(offer);
      if (!/^a=candidate:/m.test(answerSdp) && options.transportPolicy === 'all') {
        throw new AppError(
          'port_unavailable',
          'No UDP port could be opened for a viewer; widen the port range or free some ports.',
        );
      }
      setImmediate(() => peer.#releaseCandidates());
      return { peer, answerSdp };
    } catch (error) {
      await peer.close();
      throw error;
    }
  }

  get videoCodec(): VideoCodec | null {
    return this.#offer.videoCodec;
  }

  get wantsAudio(): boolean {
    return this.#offer.wantsAudio;
  }

  /** RTP time stamp of the picture at media time 0, by which a viewer can say what it sees; null without a picture. */
  get videoRtpOrigin(): number | null {
    return this.#tracks.videoRtpOrigin;
  }

  /**
   * Answers a further offer on the same connection: an ICE restart, another direction. One after the other.
   *
   * @throws {AppError} `bad_sdp` or `no_media`; the connection goes on as it was. `no_session` if it is closed.
   */
  renegotiate(offerSdp: string): Promise<string> {
    const answer = this.#negotiation.then(async () => {
      if (this.#state === 'closed') throw closedError();
      return this.#negotiate(readOffer(offerSdp, this.#tracks.videoCodec));
    });
    this.#negotiation = answer.catch(() => {});
    return answer;
  }

  /**
   * Takes a candidate of the viewer, or null for the end of them. Returns at once. Candidates that cannot be used on this
   * connection are passed over.
   *
   * @throws {AppError} `bad_message` if it is not a candidate at all.
   */
  addIceCandidate(trickled: TrickledCandidate | null): void {
    // The end of candidates is not passed on: a viewer whose candidates all fail may still be reached by the way it tries itself.
    const candidate = readTrickled(trickled);
    if (!candidate || this.#state === 'closed' || this.#candidatesTaken >= MAX_CANDIDATES) return;
    this.#candidatesTaken += 1;
    this.#connection.addIceCandidate(candidate).catch(() => {
      // It belongs to a section that this connection does not have; the other candidates may do.
    });
  }

  start(originEpochMs: number): void {
    this.#originEpochMs = originEpochMs;
  }

  sendVideo(packet: Packet): void {
    if (this.#offer.videoCodec && this.#isSending()) this.#tracks.sendPicture(packet);
  }

  sendAudio(packet: Packet): void {
    if (this.#offer.wantsAudio && this.#isSending()) this.#tracks.sendSound(packet);
  }

  /** How the connection is doing. Meant for a look every second or more. */
  stats(): PeerFigures {
    const { videoSender, audioSender, sentVideoBytes } = this.#tracks;
    return readFigures({
      connection: this.#connection,
      sender: videoSender ?? audioSender,
      clockRateHz: videoSender ? VIDEO_CLOCK_HZ : SAMPLE_RATE_HZ,
      feedback: this.#feedback,
      budget: this.#budget,
      sentVideoBytes,
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  #isSending(): boolean {
    return this.#state === 'connected' && !Number.isNaN(this.#originEpochMs);
  }

  #whileOpen(run: () => void): void {
    if (this.#state !== 'closed') run();
  }

  async #negotiate(offer: Offer): Promise<string> {
    const connection = this.#connection;
    try {
      // A description that is being set when the connection closes would be waited for in vain.
      await Promise.race([this.#describe(offer), this.#closed.promise]);
    } catch (cause) {
      if (connection.signalingState === 'have-remote-offer') {
        await connection.setRemoteDescription({ type: 'rollback', sdp: '' }).catch(() => {});
      }
      if (cause instanceof AppError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new AppError('bad_sdp', `The SDP offer cannot be answered: ${reason}`, { cause });
    }
    this.#offer = offer;
    this.#candidatesTaken = 0;
    resumeChecks(connection);
    return connection.localDescription!.sdp;
  }

  async #describe(offer: Offer): Promise<void> {
    const connection = this.#connection;
    await connection.setRemoteDescription({ type: 'offer', sdp: offer.sdp });
    await this.#tracks.connect(connection.getTransceivers(), offer);
    for (const transport of connection.dtlsTransports) this.#watch(transport);
    prepareGathering(connection, this.#options);
    await connection.setLocalDescription(await connection.createAnswer());
  }

  /** Once per report of the viewer and stream, every second or so. */
  #measure(ssrc: number, { lostFraction }: ReceiverFigures): void {
    const { videoSender, audioSender } = this.#tracks;
    const sender = [videoSender, audioSender].find((each) => each?.ssrc === ssrc);
    if (!sender) return;
    const { metrics } = this.#options;
    metrics?.histogram('rtcp_lost_percent').record(100 * lostFraction);
    metrics?.histogram('rtcp_round_trip_ms').record(roundTripMs(sender));
  }

  /** What the viewer asked for again is not sent; a key frame can take its place. */
  #onRefused(): void {
    const nowMs = this.#timers.nowMs();
    if (nowMs - this.#refusedMs < REFUSAL_INTERVAL_MS) return;
    this.#refusedMs = nowMs;
    this.#whileOpen(() => this.#events.onKeyFrameRequest());
  }

  #watch(transport: RTCDtlsTransport): void {
    if (this.#watched.has(transport)) return;
    this.#watched.add(transport);
    this.#feedback.listen(transport);
    transport.onStateChange.subscribe((state) => {
      // The socket is made in the same turn, and its first message goes out later.
      if (state === 'connecting') queueMicrotask(() => renumberRepetitions(transport));
      else if (state === 'closed') this.#end('the viewer closed the connection');
      else if (state === 'failed') this.#end('the connection failed');
      else if (state === 'connected') this.#onTransportConnected();
    });
    // Not through the library's receiver, which drops sound whose SSRC the offer did not announce.
    transport.onRtp.subscribe(({ header, payload }) => {
      if (!this.#offer.sendsAudio || header.payloadType !== this.#tracks.audioPayloadType) return;
      const { sequenceNumber, timestamp, ssrc } = header;
      const packet = { payload, sequenceNumber, timestamp, ssrc, arrivedMs: this.#timers.nowMs() };
      this.#whileOpen(() => this.#events.onMicrophonePacket(packet));
    });
  }

  #onTransportConnected(): void {
    if (this.#state !== 'connecting' || this.#connection.dtlsTransports.some(({ state }) => state !== 'connected'))
      return;
    this.#state = 'connected';
    this.#liveness.connected();
    this.#events.onConnected();
  }

  #heard(): number {
    let heard = 0;
    for (const { connection } of this.#connection.iceTransports) {
      for (const pair of connection.candidatePairs) {
        heard += pair.packetsReceived + pair.requestsReceived + pair.responsesReceived;
      }
    }
    return heard;
  }

  #releaseCandidates(): void {
    const early = this.#earlyCandidates ?? [];
    this.#earlyCandidates = null;
    for (const candidate of early) this.#whileOpen(() => this.#events.onIceCandidate(candidate));
  }

  /** The connection ended by itself. */
  #end(reason: string): void {
    if (this.#state === 'closed') return;
    void this.close();
    this.#events.onClosed(reason);
  }

  async #shut(): Promise<void> {
    this.#state = 'closed';
    this.#closed.reject(closedError());
    this.#liveness.close();
    this.#tracks.end();
    await Promise.all(this.#connection.dtlsTransports.map(sayGoodbye));
    await this.#connection.close();
  }
}

function closedError(): AppError {
  return new AppError('no_session', 'The connection is closed; begin with a new offer.');
}
