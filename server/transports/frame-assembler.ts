import type { VideoCodec } from '../codecs/packet.ts';

/** A picture that arrived completely. */
export interface ReceivedFrame {
  /** 90 kHz, 32 bit, wraps. */
  readonly rtpTimestamp: number;
  /** Payload bytes of its packets. */
  readonly sizeBytes: number;
  readonly packets: number;
  /** False too if its packets came ciphered. */
  readonly isKeyFrame: boolean;
  /** When its last missing packet came, `performance.now()` ms. */
  readonly arrivedMs: number;
}

export interface VideoRtp {
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
  /** The payload cannot be read: it does not begin a key frame, as far as one can tell. */
  readonly isCiphered?: boolean;
}

interface Waiting {
  readonly timestamp: number;
  readonly isLast: boolean;
  readonly startsKeyFrame: boolean;
  readonly sizeBytes: number;
}

/** Packets after a gap that are waited out before the gap is given up: the history that the sender can repeat from. */
const MAX_WAITING = 128;
const SEQUENCE_MASK = 0xffff;

/**
 * Counts pictures in a stream of RTP packets that may be late, repeated or missing, without decoding. Holds at most 128
 * packets' descriptions behind a gap; then it gives the gap up and goes on at the next key frame.
 */
export class FrameAssembler {
  readonly #codec: VideoCodec;
  readonly #onFrame: (frame: ReceivedFrame) => void;
  readonly #onGap: () => void;
  readonly #waiting = new Map<number, Waiting>();
  #next: number | null = null;

  /** @param onGap Packets are lost for good; pictures are complete again from the next key frame on. */
  constructor(codec: VideoCodec, onFrame: (frame: ReceivedFrame) => void, onGap: () => void) {
    this.#codec = codec;
    this.#onFrame = onFrame;
    this.#onGap = onGap;
  }

  /** Nothing counts until a packet comes that begins a key frame. */
  get waitsForKeyFrame(): boolean {
    return this.#next === null;
  }

  push(packet: VideoRtp, arrivedMs: number): void {
    const { sequenceNumber, timestamp, marker, payload } = packet;
    const startsKeyFrame = this.#startsKeyFrame(packet);
    if (this.#next === null) {
      if (!startsKeyFrame) return;
      this.#next = sequenceNumber;
    }
    if (((sequenceNumber - this.#next) & SEQUENCE_MASK) >= 0x8000) return;
    this.#waiting.set(sequenceNumber, { timestamp, isLast: marker, startsKeyFrame, sizeBytes: payload.byteLength });
    this.#emitComplete(arrivedMs);
    if (this.#waiting.size > MAX_WAITING) {
      this.#waiting.clear();
      this.#next = null;
      this.#onGap();
    }
  }

  #startsKeyFrame({ payload, isCiphered = false }: VideoRtp): boolean {
    if (isCiphered) return false;
    return this.#codec === 'H264' ? startsH264KeyFrame(payload) : startsVp8KeyFrame(payload);
  }

  #emitComplete(arrivedMs: number): void {
    for (;;) {
      let at = this.#next!;
      let sizeBytes = 0;
      let packets = 0;
      let part = this.#waiting.get(at);
      const first = part;
      while (part) {
        sizeBytes += part.sizeBytes;
        packets += 1;
        at = (at + 1) & SEQUENCE_MASK;
        if (part.isLast) break;
        part = this.#waiting.get(at);
      }
      if (!first || !part) return;
      for (let done = this.#next!; done !== at; done = (done + 1) & SEQUENCE_MASK) this.#waiting.delete(done);
      this.#next = at;
      const { timestamp: rtpTimestamp, startsKeyFrame: isKeyFrame } = first;
      this.#onFrame({ rtpTimestamp, sizeBytes, packets, isKeyFrame, arrivedMs });
    }
  }
}

/** RFC 6184 §5.2: parameter sets, an IDR slice, or the first fragment of one. */
function startsH264KeyFrame(payload: Uint8Array): boolean {
  const type = payload[0]! & 31;
  if (type === 24) return (payload[3]! & 31) === 7;
  if (type === 28) return (payload[1]! & 0x80) !== 0 && (payload[1]! & 31) === 5;
  return type === 7 || type === 5;
}

/** RFC 7741 §4.2, §4.3: first packet of the first partition, whose frame header has P = 0. */
function startsVp8KeyFrame(payload: Uint8Array): boolean {
  const descriptor = payload[0]!;
  if ((descriptor & 0x10) === 0 || (descriptor & 0x07) !== 0) return false;
  let at = 1;
  if (descriptor & 0x80) {
    const extension = payload[at]!;
    at += 1;
    if (extension & 0x80) at += payload[at]! & 0x80 ? 2 : 1;
    if (extension & 0x40) at += 1;
    if (extension & 0x30) at += 1;
  }
  return (payload[at]! & 1) === 0;
}
