import type { RTCPeerConnection, RTCRtpSender } from 'werift';
import type { Feedback } from './feedback.ts';
import type { RetransmissionBudget } from './retransmission-budget.ts';

/** How one viewer's connection is doing. Numbers that are not known yet are NaN. */
export interface PeerFigures {
  readonly roundTripMs: number;
  /** Share of the picture's packets (or the sound's, without a picture) lost since the viewer's report before, 0 to 1. */
  readonly lostFraction: number;
  /** Of the same packets. */
  readonly jitterMs: number;
  /** Encoded pictures handed over for sending, without packet headers and repetitions. */
  readonly sentVideoBytes: number;
  /** Packets sent again on request. */
  readonly retransmitted: number;
  /** Packets that were asked for again and not sent, because the budget was used up. */
  readonly retransmissionsRefused: number;
  readonly keyFrameRequests: number;
  /** What the viewer estimates that the path carries, bit/s. */
  readonly estimatedBitrateBps: number;
  /** Kinds of the two candidates in use and their protocol, such as `host`, `prflx`, `udp`; null before there are any. */
  readonly path: { readonly local: string; readonly remote: string; readonly protocol: string } | null;
}

export function readFigures(from: {
  connection: RTCPeerConnection;
  /** Whose reports count; null if nothing is sent. */
  sender: RTCRtpSender | null;
  clockRateHz: number;
  feedback: Feedback;
  budget: RetransmissionBudget;
  sentVideoBytes: number;
}): PeerFigures {
  const { sender, feedback, budget } = from;
  const report = sender ? feedback.report(sender.ssrc) : undefined;
  const pair = from.connection.iceTransports[0]?.connection.nominated;
  return {
    roundTripMs: sender ? roundTripMs(sender) : Number.NaN,
    lostFraction: report?.lostFraction ?? Number.NaN,
    jitterMs: report ? (report.jitterTicks * 1000) / from.clockRateHz : Number.NaN,
    sentVideoBytes: from.sentVideoBytes,
    retransmitted: budget.granted,
    retransmissionsRefused: budget.refused,
    keyFrameRequests: feedback.keyFrameRequests,
    estimatedBitrateBps: feedback.bandwidthBps,
    path: pair
      ? { local: pair.localCandidate.type, remote: pair.remoteCandidate.type, protocol: pair.localCandidate.transport }
      : null,
  };
}

/** Smoothed round trip that the viewer's reports gave, ms; NaN before the first. */
export function roundTripMs(sender: RTCRtpSender): number {
  const seconds: unknown = Reflect.get(sender, 'rtt');
  return typeof seconds === 'number' ? Math.max(0, seconds * 1000) : Number.NaN;
}
