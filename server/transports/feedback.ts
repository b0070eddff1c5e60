import {
  PictureLossIndication,
  ReceiverEstimatedMaxBitrate,
  type RTCDtlsTransport,
  RtcpPayloadSpecificFeedback,
  RtcpRrPacket,
  RtcpSrPacket,
} from 'werift';

/** Bandwidth is passed on at most this often, unless it fell. */
const BANDWIDTH_INTERVAL_MS = 250;

/** What the viewer last said of how one stream arrives (RFC 3550 §6.4.1). */
export interface ReceiverFigures {
  /** Share of packets lost since the report before, 0 to 1. */
  readonly lostFraction: number;
  /** In ticks of the stream's clock. */
  readonly jitterTicks: number;
}

/**
 * Listens to the viewer's RTCP. It goes to the transport and not to the senders, because the library hands a request for a key
 * frame to whoever owns the SSRC of its sender, which in browsers is the microphone.
 */
export class Feedback {
  readonly #videoSsrc: () => number | null;
  readonly #onKeyFrameRequest: () => void;
  readonly #onBandwidth: (bitsPerSecond: number) => void;
  readonly #onReport: (ssrc: number, report: ReceiverFigures) => void;
  readonly #nowMs: () => number;
  readonly #reports = new Map<number, ReceiverFigures>();
  #keyFrameRequests = 0;
  #bandwidthBps = Number.NaN;
  #toldMs = Number.NEGATIVE_INFINITY;
  #toldBps = Number.POSITIVE_INFINITY;

  constructor(options: {
    videoSsrc: () => number | null;
    onKeyFrameRequest: () => void;
    onBandwidth: (bitsPerSecond: number) => void;
    onReport: (ssrc: number, report: ReceiverFigures) => void;
    nowMs: () => number;
  }) {
    this.#videoSsrc = options.videoSsrc;
    this.#onKeyFrameRequest = options.onKeyFrameRequest;
    this.#onBandwidth = options.onBandwidth;
    this.#onReport = options.onReport;
    this.#nowMs = options.nowMs;
  }

  get keyFrameRequests(): number {
    return this.#keyFrameRequests;
  }

  /** The viewer's latest estimate in bit/s; NaN before the first one. */
  get bandwidthBps(): number {
    return this.#bandwidthBps;
  }

  /** The viewer's latest report on the stream `ssrc`. */
  report(ssrc: number): ReceiverFigures | undefined {
    return this.#reports.get(ssrc);
  }

  listen(transport: RTCDtlsTransport): void {
    transport.onRtcp.subscribe((packet) => {
      if (packet instanceof RtcpPayloadSpecificFeedback) this.#onPayloadFeedback(packet.feedback);
      else if (packet instanceof RtcpRrPacket || packet instanceof RtcpSrPacket) {
        for (const { ssrc, fractionLost, jitter } of packet.reports) {
          const report = { lostFraction: fractionLost / 256, jitterTicks: jitter };
          this.#reports.set(ssrc, report);
          this.#onReport(ssrc, report);
        }
      }
    });
  }

  #onPayloadFeedback(feedback: RtcpPayloadSpecificFeedback['feedback']): void {
    const ssrc = this.#videoSsrc();
    if (feedback instanceof PictureLossIndication) {
      if (feedback.mediaSsrc === ssrc) this.#requestKeyFrame();
    } else if ('fir' in feedback) {
      // A full intra request names its streams in its entries; the header's media SSRC is unused (RFC 5104 §4.3.1.2).
      if (feedback.fir.some((entry) => entry.ssrc === ssrc)) this.#requestKeyFrame();
    } else if (feedback instanceof ReceiverEstimatedMaxBitrate) {
      this.#tellBandwidth(Number(feedback.bitrate));
    }
  }

  #requestKeyFrame(): void {
    this.#keyFrameRequests += 1;
    this.#onKeyFrameRequest();
  }

  #tellBandwidth(bitsPerSecond: number): void {
    this.#bandwidthBps = bitsPerSecond;
    const nowMs = this.#nowMs();
    if (nowMs - this.#toldMs < BANDWIDTH_INTERVAL_MS && bitsPerSecond >= this.#toldBps) return;
    this.#toldMs = nowMs;
    this.#toldBps = bitsPerSecond;
    this.#onBandwidth(bitsPerSecond);
  }
}
