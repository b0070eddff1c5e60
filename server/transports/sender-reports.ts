import type { RTCRtpSender } from 'werift';

const WRAP = 2 ** 32;
/** Seconds from the NTP era (1900) to the Unix epoch (1970), RFC 5905 §6. */
const NTP_EPOCH_OFFSET_S = 2_208_988_800;

/**
 * Relates media time, RTP time stamps and the wall clock of one sender.
 *
 * A receiver lines sound and picture up by the sender reports (RFC 3550 §6.4.1), so both senders of a viewer must compute the
 * NTP time from the media time and the same origin, never from when a packet happened to leave.
 */
export class RtpClock {
  readonly #clockRateHz: number;
  readonly #firstRtp: number;
  #latestTicks = 0;

  /** @param firstRtp RTP time stamp of media time 0, random (RFC 3550 §5.1), 0 to 2^32 − 1. */
  constructor(clockRateHz: number, firstRtp: number) {
    this.#clockRateHz = clockRateHz;
    this.#firstRtp = firstRtp;
  }

  /** RTP time stamp of media time 0. */
  get origin(): number {
    return this.#firstRtp;
  }

  /** RTP time stamp of a packet about to be sent. @param ticks Media time, not wrapped. */
  stamp(ticks: number): number {
    this.#latestTicks = ticks;
    return (this.#firstRtp + ticks) % WRAP;
  }

  /**
   * Media time in ms of a time stamp. Counted from the latest packet, so it stays right however long the session is: only the
   * distance to that packet has to be below 2^31 ticks.
   */
  mediaMs(rtpTimestamp: number): number {
    const distance = (rtpTimestamp - ((this.#firstRtp + this.#latestTicks) % WRAP)) | 0;
    return ((this.#latestTicks + distance) * 1000) / this.#clockRateHz;
  }
}

/** 64-bit NTP time stamp of a Unix time in ms: seconds, then 2^-32 fractions. */
export function ntpOf(epochMs: number): bigint {
  const seconds = Math.floor(epochMs / 1000);
  const fraction = Math.min(WRAP - 1, Math.floor(((epochMs - seconds * 1000) / 1000) * WRAP));
  return (BigInt(seconds + NTP_EPOCH_OFFSET_S) << 32n) | BigInt(fraction);
}

/** Unix time in ms of a 64-bit NTP time stamp, with fractions of a ms. */
export function epochMsOf(ntp: bigint): number {
  return (Number(ntp >> 32n) - NTP_EPOCH_OFFSET_S) * 1000 + (Number(ntp & 0xffff_ffffn) * 1000) / WRAP;
}

/**
 * Makes the reports of `sender` exact. The library writes the time of sending, and its fraction of a second is wrong: sound
 * and picture would drift apart by up to half a second.
 *
 * @param originEpochMs Unix time in ms at which media time 0 is sent; asked for at every report.
 */
export function fixSenderReports(sender: RTCRtpSender, clock: RtpClock, originEpochMs: () => number): void {
  Object.defineProperty(sender, 'ntpTimestamp', {
    get(this: { rtpTimestamp: number }) {
      return ntpOf(originEpochMs() + clock.mediaMs(this.rtpTimestamp));
    },
    set() {},
  });
}
