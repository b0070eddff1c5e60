import { opusDurationSamples } from './opus-duration.ts';

/** One RTP packet of Opus (RFC 7587). */
export interface OpusRtpPacket {
  /** Kept until it is read; not written. */
  readonly payload: Uint8Array;
  /** 16 bit, wraps. */
  readonly sequenceNumber: number;
  /** 32 bit at 48 kHz, wraps. */
  readonly timestamp: number;
  /** Sender's identity; a change means a new stream. */
  readonly ssrc?: number;
  /** Monotonic. */
  readonly arrivedMs: number;
}

/** A packet in order, or the hole where one should be. Positions count the sender's samples at 48 kHz without wrapping. */
export type JitterItem =
  | {
      readonly kind: 'packet';
      readonly payload: Uint8Array;
      readonly start: number;
      readonly durationSamples: number;
      readonly arrivedMs: number;
    }
  /** `isLoss`: packets are missing; otherwise the sender was silent (discontinuous transmission). */
  | { readonly kind: 'gap'; readonly start: number; readonly durationSamples: number; readonly isLoss: boolean };

/** What became of a packet. `restarted`: taken as the first one of a new stream, everything older is forgotten. */
export type PushResult = 'taken' | 'restarted' | 'duplicate' | 'late' | 'invalid';

interface Waiting {
  readonly kind: 'packet';
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly start: number;
  readonly durationSamples: number;
  readonly arrivedMs: number;
}

interface Newest {
  readonly sequence: number;
  readonly start: number;
  readonly durationSamples: number;
  readonly arrivedMs: number;
  readonly ssrc: number | undefined;
}

/** Time stamps that differ by less than this from what was expected are rounding of the sender. */
const TOLERANCE_SAMPLES = 240;
const LARGEST_SEQUENCE_JUMP = 1000;
/** Time stamps and arrivals that disagree by more than this mean that the sender's clock was set anew. */
const CLOCK_JUMP_MS = 1000;
const REMEMBERED = 128;

/**
 * Packets of one sender, put in order. At most `capacityMs` from the oldest to the newest; beyond that the oldest go, counted.
 * Emptied by {@link next}. It never waits: when to read is the reader's business.
 */
export class JitterBuffer {
  readonly #capacitySamples: number;
  #waiting: Waiting[] = [];
  #newest: Newest | null = null;
  /** The last packet that was read or given up, and where its sound ended. */
  #read: { sequence: number; end: number } | null = null;
  readonly #readSequences = new Float64Array(REMEMBERED).fill(Number.NaN);
  #strangers = 0;
  #lostPackets = 0;
  #latePackets = 0;
  #overflowSamples = 0;

  /** @throws {RangeError} if the capacity is not more than 0. */
  constructor(capacityMs: number) {
    if (!(capacityMs > 0)) throw new RangeError(`capacityMs must be more than 0, got ${capacityMs}`);
    this.#capacitySamples = capacityMs * 48;
  }

  /** Packets that were not there when it was their turn. */
  get lostPackets(): number {
    return this.#lostPackets;
  }

  /** Packets that came after their turn. They are counted in {@link lostPackets} too. */
  get latePackets(): number {
    return this.#latePackets;
  }

  /** Sound that went because the buffer was full. */
  get overflowSamples(): number {
    return this.#overflowSamples;
  }

  /** Sound from the oldest to the newest waiting packet, holes included. */
  get bufferedSamples(): number {
    const first = this.#waiting[0];
    const last = this.#waiting.at(-1);
    return first && last ? last.start + last.durationSamples - first.start : 0;
  }

  /** The oldest waiting packet; null if there is none. */
  get oldest(): { readonly start: number; readonly durationSamples: number } | null {
    return this.#waiting[0] ?? null;
  }

  /** True if packets are missing before the oldest waiting one. */
  get isNextMissing(): boolean {
    const first = this.#waiting[0];
    return first !== undefined && this.#read !== null && first.sequence > this.#read.sequence + 1;
  }

  /** The newest packet ever taken; null before the first. */
  get newest(): { readonly start: number; readonly durationSamples: number } | null {
    return this.#newest;
  }

  /** Takes a packet in. One that is no Opus is dropped; a client can send anything. */
  push(packet: OpusRtpPacket): PushResult {
    const durationSamples = opusDurationSamples(packet.payload);
    if (durationSamples === null) return 'invalid';
    const place = this.#place(packet);
    if (place === 'stranger') return 'invalid';
    const isRestart = place === 'restart';
    if (isRestart) this.#forget();
    const sequence = isRestart ? packet.sequenceNumber : place.sequence;
    const start = isRestart ? packet.timestamp : place.start;
    if (this.#read && sequence <= this.#read.sequence) {
      if (this.#readSequences[sequence % REMEMBERED] === sequence) return 'duplicate';
      this.#latePackets += 1;
      return 'late';
    }
    const { payload, arrivedMs } = packet;
    if (!this.#insert({ kind: 'packet', sequence, payload, start, durationSamples, arrivedMs })) return 'duplicate';
    if (!this.#newest || sequence > this.#newest.sequence) {
      this.#newest = { sequence, start, durationSamples, arrivedMs, ssrc: packet.ssrc };
    }
    while (this.bufferedSamples > this.#capacitySamples && this.#waiting.length > 1) {
      this.#overflowSamples += this.#waiting[0].durationSamples;
      this.drop();
    }
    return isRestart ? 'restarted' : 'taken';
  }

  /** Takes out what comes next: the next packet, or the hole before it. Null while nothing is waiting. */
  next(): JitterItem | null {
    const first = this.#waiting[0];
    if (!first) return null;
    if (this.#read && first.start - this.#read.end > TOLERANCE_SAMPLES) {
      const start = this.#read.end;
      const isLoss = first.sequence > this.#read.sequence + 1;
      this.skipGap();
      return { kind: 'gap', start, durationSamples: first.start - start, isLoss };
    }
    this.skipGap();
    this.#waiting.shift();
    this.#markRead(first);
    return first;
  }

  /** Gives up what is missing before the oldest waiting packet. */
  skipGap(): void {
    const first = this.#waiting[0];
    if (!first) return;
    if (this.#read) this.#lostPackets += first.sequence - this.#read.sequence - 1;
    this.#read = { sequence: first.sequence - 1, end: first.start };
  }

  /** Gives up the oldest waiting packet. */
  drop(): void {
    this.skipGap();
    const first = this.#waiting.shift();
    if (first) this.#markRead(first);
  }

  /** Forgets the waiting packets; the stream goes on with the next one. */
  clear(): void {
    while (this.#waiting.length > 0) this.drop();
  }

  #markRead(packet: Waiting): void {
    this.#read = { sequence: packet.sequence, end: packet.start + packet.durationSamples };
    this.#readSequences[packet.sequence % REMEMBERED] = packet.sequence;
  }

  /** Number and position without wrapping, or what else the packet is. */
  #place(packet: OpusRtpPacket): { sequence: number; start: number } | 'restart' | 'stranger' {
    const newest = this.#newest;
    if (!newest || (packet.ssrc !== undefined && packet.ssrc !== newest.ssrc)) return 'restart';
    const sequenceStep = ((packet.sequenceNumber - newest.sequence) << 16) >> 16;
    const step = (packet.timestamp - newest.start) | 0;
    const clockJumpMs = Math.abs(step / 48 - (packet.arrivedMs - newest.arrivedMs));
    const isBackwards = sequenceStep > 0 && step <= 0;
    if (sequenceStep > 0 && sequenceStep <= LARGEST_SEQUENCE_JUMP && (isBackwards || clockJumpMs > CLOCK_JUMP_MS)) {
      return 'restart';
    }
    if (Math.abs(sequenceStep) > LARGEST_SEQUENCE_JUMP) {
      // One stray packet changes nothing; two in a row are a sender that has begun anew (RFC 3550 appendix A.1).
      this.#strangers += 1;
      return this.#strangers >= 2 ? 'restart' : 'stranger';
    }
    this.#strangers = 0;
    return { sequence: newest.sequence + sequenceStep, start: newest.start + step };
  }

  #forget(): void {
    this.#waiting = [];
    this.#newest = null;
    this.#read = null;
    this.#readSequences.fill(Number.NaN);
    this.#strangers = 0;
  }

  /** False if a packet of that number is waiting already. */
  #insert(packet: Waiting): boolean {
    let at = this.#waiting.length;
    while (at > 0 && this.#waiting[at - 1].sequence > packet.sequence) at -= 1;
    if (at > 0 && this.#waiting[at - 1].sequence === packet.sequence) return false;
    this.#waiting.splice(at, 0, packet);
    return true;
  }
}
