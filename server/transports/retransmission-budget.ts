import { GenericNack, type RTCRtpSender, RtcpTransportLayerFeedback } from 'werift';

/** Packets that may be repeated before the share counts: one lost key frame and a little more. */
const BURST_PACKETS = 48;
/** Share of the packets sent that may be sent again. Beyond it a key frame is cheaper. */
const DEFAULT_SHARE = 0.25;
/** A packet is not repeated again sooner than this: its first repetition may still be on the way. */
const MIN_REPEAT_MS = 10;

export interface RetransmissionBudgetOptions {
  /** Share of the packets sent that may be repeated, 0 to 1. Default 0.25. */
  readonly share?: number;
  /** Packets that may be repeated on top, once; earned back by sending. Default 48. */
  readonly burstPackets?: number;
}

/**
 * Decides which lost packets are sent again. A viewer behind a full link asks for everything; answering it all fills the
 * link with repetitions until no picture is left.
 */
export class RetransmissionBudget {
  readonly #share: number;
  readonly #burstPackets: number;
  readonly #nowMs: () => number;
  readonly #repeatedMs = new Map<number, number>();
  #tokens: number;
  #granted = 0;
  #refused = 0;

  /** @throws {RangeError} if the share is not 0..1 or the burst is negative. */
  constructor(
    nowMs: () => number,
    { share = DEFAULT_SHARE, burstPackets = BURST_PACKETS }: RetransmissionBudgetOptions = {},
  ) {
    if (!(share >= 0 && share <= 1)) throw new RangeError(`share must be 0 to 1, got ${share}`);
    if (!(burstPackets >= 0)) throw new RangeError(`burstPackets must be 0 or more, got ${burstPackets}`);
    this.#share = share;
    this.#burstPackets = burstPackets;
    this.#nowMs = nowMs;
    this.#tokens = burstPackets;
  }

  /** Repetitions that were allowed. */
  get granted(): number {
    return this.#granted;
  }

  /** Repetitions that were asked for and not made because the budget was used up. */
  get refused(): number {
    return this.#refused;
  }

  /** Earns the share of packets that were sent for the first time. */
  onSent(packets: number): void {
    this.#tokens = Math.min(this.#burstPackets, this.#tokens + packets * this.#share);
  }

  /**
   * Of the lost sequence numbers, those to send again now.
   *
   * @param roundTripMs NaN if unknown.
   */
  grant(lost: readonly number[], roundTripMs: number): number[] {
    const nowMs = this.#nowMs();
    const minRepeatMs = Math.max(MIN_REPEAT_MS, (roundTripMs || 0) / 2);
    const granted: number[] = [];
    for (const sequenceNumber of lost) {
      if (nowMs - (this.#repeatedMs.get(sequenceNumber) ?? Number.NEGATIVE_INFINITY) < minRepeatMs) continue;
      if (this.#tokens < 1) {
        this.#refused += 1;
        continue;
      }
      this.#tokens -= 1;
      this.#granted += 1;
      this.#repeatedMs.delete(sequenceNumber);
      this.#repeatedMs.set(sequenceNumber, nowMs);
      granted.push(sequenceNumber);
    }
    // Oldest first, because a repeated one moves to the end; the sender's own history is 128 packets.
    for (const oldest of this.#repeatedMs.keys()) {
      if (this.#repeatedMs.size <= 256) break;
      this.#repeatedMs.delete(oldest);
    }
    return granted;
  }
}

/**
 * Puts `budget` between the viewer's negative acknowledgements (RFC 4585 §6.2.1) and the sender, which would answer all of them.
 *
 * @param onRefused Something is not sent again, so the viewer cannot go on before a key frame. Browsers take three seconds to
 *   say so themselves.
 */
export function limitRetransmissions(
  sender: RTCRtpSender,
  budget: RetransmissionBudget,
  options: { readonly roundTripMs: () => number; readonly onRefused: () => void },
): void {
  const handle = sender.handleRtcpPacket.bind(sender);
  sender.handleRtcpPacket = (packet) => {
    if (packet.type === RtcpTransportLayerFeedback.type && packet.feedback instanceof GenericNack) {
      const refusedBefore = budget.refused;
      packet.feedback.lost = budget.grant(packet.feedback.lost, options.roundTripMs());
      if (budget.refused > refusedBefore) options.onRefused();
    }
    handle(packet);
  };
}
