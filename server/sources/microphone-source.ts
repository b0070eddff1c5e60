import { DriftResampler } from '../audio/drift-resampler.ts';
import { JitterBuffer, type JitterItem, type OpusRtpPacket } from '../audio/jitter-buffer.ts';
import { CHUNK_SAMPLES } from '../audio/pcm.ts';
import { PlayoutSchedule } from '../audio/playout-schedule.ts';
import { Splicer } from '../audio/splicer.ts';
import type { Source, SourceRead } from './source.ts';

/** Turns Opus packets into sound. */
export interface PacketDecoder {
  /**
   * @param payload One Opus packet. Borrowed.
   * @returns Mono at 48 kHz, any number of samples; valid until the next call.
   * @throws if the packet is no Opus.
   */
  decode(payload: Uint8Array): Float32Array;
  /** Releases the decoder. */
  close(): void;
}

/** How a microphone's sound may wait. */
export interface MicrophoneOptions {
  /** Least delay between a packet's undisturbed arrival and its read, in ms (default 6). */
  readonly minDelayMs?: number;
  /** Most delay that jitter may ask for, in ms (default 200). */
  readonly maxDelayMs?: number;
}

/** What a microphone's buffer does, for metrics. */
export interface MicrophoneFigures {
  /** Sound that waits to be read. */
  readonly bufferMs: number;
  /** Delay that the network's jitter asks for. */
  readonly targetMs: number;
  readonly lostPackets: number;
  readonly latePackets: number;
  /** Sound that was missing when it was needed. */
  readonly concealedMs: number;
  /** Sound that was left out to keep the delay bounded. */
  readonly droppedMs: number;
  /** How much faster the sender's clock runs than ours, in millionths. */
  readonly driftPpm: number;
}

/** Sound may be this much later than wanted before it is cut at once; less is caught up in pauses or by playing faster. */
const LARGEST_BACKLOG_SAMPLES = 80 * 48;
const CAPACITY_MS = 500;
/** A longer hole is no longer bridged: what comes after it is scheduled afresh. */
const LONGEST_BRIDGE_SAMPLES = 120 * 48;
/** RMS below which sound counts as a pause (-48 dB of full scale). */
const QUIET_RMS = 0.004;
/** An Opus packet this short carries no sound (discontinuous transmission, RFC 6716 §2.1.9). */
const SILENT_PAYLOAD_BYTES = 2;
/** Sound this close to its end does not count as the first sound of a chunk. */
const ARRIVAL_TOLERANCE_SAMPLES = 48;
/** So many packets too late one after the other mean that the sender's clock was set anew. */
const LATE_BEFORE_RESTART = 25;
/** Share by which sound may run faster or slower: one and a half cents, which nobody hears, and nine, which few do. */
const GENTLE_SPEED = 0.0008;
const FASTEST_SPEED = 0.005;
const GENTLE_UP_TO_SAMPLES = 25 * 48;

/**
 * A person's microphone, sent as Opus over RTP. It holds the sound between the sender's clock and the session's.
 *
 * Waiting packets: at most 500 ms, then the oldest go, counted; emptied by {@link read}. Each sound is played as early as the
 * measured jitter allows. Where the two clocks slide past each other the sound runs up to 0.08 % faster or slower; a
 * backlog is caught up by leaving out pauses and by up to 0.5 %, and beyond 80 ms by leaving out sound, counted.
 */
export class MicrophoneSource implements Source {
  readonly #decoder: PacketDecoder;
  readonly #nowMs: () => number;
  readonly #packets = new JitterBuffer(CAPACITY_MS);
  readonly #schedule: PlayoutSchedule;
  readonly #sound = new DriftResampler((CAPACITY_MS + 200) * 48);
  readonly #splicer = new Splicer();
  /** Where in the sender's count the sound in `#sound` ends. */
  #soundEnd = 0;
  /** Packets of which something waits in `#sound`, oldest first. */
  #arrivals: { end: number; arrivedMs: number }[] = [];
  #state: 'silent' | 'playing' | 'closed' = 'silent';
  #wasQuiet = true;
  #lateInARow = 0;
  #concealedSamples = 0;
  #droppedSamples = 0;

  /**
   * @param decoder Owned by the source from now on.
   * @param nowMs Monotonic time, the same as that of the packets' arrival.
   * @throws {RangeError} unless 0 ≤ minDelayMs ≤ maxDelayMs − 40.
   */
  constructor(decoder: PacketDecoder, nowMs: () => number, options: MicrophoneOptions = {}) {
    this.#schedule = new PlayoutSchedule(options.minDelayMs ?? 6, options.maxDelayMs ?? 200);
    this.#decoder = decoder;
    this.#nowMs = nowMs;
  }

  /** Takes a packet from the transport, in any order. The payload must not change until it is read. */
  push(packet: OpusRtpPacket): void {
    if (this.#state === 'closed') return;
    const result = this.#packets.push(packet);
    if (result === 'invalid' || result === 'duplicate') return;
    if (result === 'restarted') {
      this.#schedule.restart();
      this.#fallSilent();
    }
    const newest = this.#packets.newest;
    if (!newest) return;
    const start = newest.start + ((packet.timestamp - newest.start) | 0);
    this.#schedule.onPacket(start, newest.durationSamples, packet.arrivedMs);
  }

  read(out: Float32Array, startSample: number): SourceRead {
    if (this.#state === 'closed') {
      out.fill(0);
      return { kind: 'end', arrivedMs: Number.NaN };
    }
    const wanted = this.#schedule.onRead(startSample, this.#nowMs());
    if (this.#state === 'silent') this.#resume(wanted, out.length);
    if (this.#state === 'silent') {
      out.fill(0);
      return { kind: 'silence', arrivedMs: Number.NaN };
    }
    const arrivedMs = this.#play(out, wanted);
    return limit(out) ? { kind: 'sound', arrivedMs } : { kind: 'silence', arrivedMs: Number.NaN };
  }

  /** What the buffer does now and did so far. */
  get bufferedMs(): number {
    return this.figures().bufferMs;
  }

  figures(): MicrophoneFigures {
    const { lostPackets, latePackets, bufferedSamples, overflowSamples } = this.#packets;
    const soundSamples = this.#state === 'playing' ? this.#sound.bufferedSamples : 0;
    return {
      bufferMs: (bufferedSamples + soundSamples) / 48,
      targetMs: this.#schedule.targetMs,
      lostPackets,
      latePackets,
      concealedMs: this.#concealedSamples / 48,
      droppedMs: (this.#droppedSamples + overflowSamples) / 48,
      driftPpm: this.#schedule.driftPpm,
    };
  }

  clear(): void {
    this.#packets.clear();
    this.#fallSilent();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.clear();
    this.#state = 'closed';
    this.#decoder.close();
  }

  /** Starts playing if the oldest packet is due within this chunk. */
  #resume(wanted: number, count: number): void {
    this.#dropBacklog(wanted);
    const oldest = this.#packets.oldest;
    if (!oldest || !(oldest.start < wanted + count)) return;
    this.#packets.skipGap();
    this.#soundEnd = oldest.start;
    this.#sound.clear();
    this.#sound.push(new Float32Array(Math.max(0, Math.round(oldest.start - wanted))));
    this.#state = 'playing';
    this.#lateInARow = 0;
  }

  /** Leaves out packets that are too far behind the wanted position to be caught up. */
  #dropBacklog(wanted: number): void {
    for (let oldest = this.#packets.oldest; oldest; oldest = this.#packets.oldest) {
      if (oldest.start + oldest.durationSamples > wanted - LARGEST_BACKLOG_SAMPLES) return;
      this.#packets.drop();
      this.#droppedSamples += oldest.durationSamples;
      this.#lateInARow += 1;
    }
    if (this.#lateInARow >= LATE_BEFORE_RESTART) {
      this.#lateInARow = 0;
      this.#schedule.restart();
    }
  }

  /** Fills `out` and returns when its first sound arrived. */
  #play(out: Float32Array, wanted: number): number {
    const speed = speedFor(wanted - this.#position);
    for (;;) {
      const missing = this.#sound.missing(out.length, speed);
      if (missing === 0) break;
      // Where more delay is wanted, a hole is the place to take it: what is missing may only be late.
      if (this.#packets.isNextMissing && this.#position - wanted > 0.75 * CHUNK_SAMPLES) {
        this.#runDry(missing, true);
        continue;
      }
      const item = this.#packets.next();
      if (item?.kind === 'packet') this.#take(item, wanted);
      else if (item && item.durationSamples <= LONGEST_BRIDGE_SAMPLES) this.#bridge(item, item.isLoss);
      else this.#runDry(missing, item?.isLoss ?? true);
    }
    const heard = this.#position + ARRIVAL_TOLERANCE_SAMPLES;
    while (this.#arrivals.length > 1 && this.#arrivals[0].end <= heard) this.#arrivals.shift();
    const arrivedMs = this.#arrivals[0]?.arrivedMs ?? Number.NaN;
    this.#sound.read(out, speed);
    return arrivedMs;
  }

  /** The sender's sample that the next read begins with; not whole in general. */
  get #position(): number {
    return this.#soundEnd - this.#sound.bufferedSamples;
  }

  #take(packet: JitterItem & { kind: 'packet' }, wanted: number): void {
    const behind = wanted - this.#position;
    if (behind > LARGEST_BACKLOG_SAMPLES) {
      this.#leaveOut(packet);
      return;
    }
    const sound = packet.payload.length > SILENT_PAYLOAD_BYTES ? this.#decode(packet.payload) : SILENCE;
    if (sound.length === 0) {
      this.#bridge(packet, sound !== SILENCE);
      return;
    }
    const isQuiet = rms(sound) < QUIET_RMS;
    const isPause = isQuiet && this.#wasQuiet;
    this.#wasQuiet = isQuiet;
    if (isPause && behind > 0.75 * packet.durationSamples) {
      this.#leaveOut(packet);
      return;
    }
    // More delay is wanted: a pause may last longer without anybody hearing it.
    if (isPause && behind < -0.75 * CHUNK_SAMPLES) this.#sound.push(this.#splicer.fill(CHUNK_SAMPLES));
    this.#sound.push(this.#splicer.join(sound));
    this.#soundEnd = packet.start + packet.durationSamples;
    this.#arrivals.push({ end: this.#soundEnd, arrivedMs: packet.arrivedMs });
  }

  /** Empty if the packet cannot be decoded: it then counts as lost, since a client can send anything. */
  #decode(payload: Uint8Array): Float32Array {
    try {
      return this.#decoder.decode(payload);
    } catch {
      return new Float32Array(0);
    }
  }

  #leaveOut(packet: JitterItem): void {
    this.#splicer.cut();
    this.#soundEnd = packet.start + packet.durationSamples;
    this.#droppedSamples += packet.durationSamples;
  }

  /** Covers a hole, or a packet without sound. */
  #bridge(hole: JitterItem, isLoss: boolean): void {
    this.#sound.push(this.#splicer.fill(hole.durationSamples));
    this.#soundEnd = hole.start + hole.durationSamples;
    this.#wasQuiet = true;
    if (isLoss) this.#concealedSamples += hole.durationSamples;
  }

  /** Nothing is there that could be played: this chunk ends in silence, and playing begins anew when sound is due. */
  #runDry(missing: number, isLoss: boolean): void {
    this.#sound.push(this.#splicer.fill(missing));
    this.#soundEnd += missing;
    this.#state = 'silent';
    this.#wasQuiet = true;
    if (isLoss) this.#concealedSamples += missing;
  }

  #fallSilent(): void {
    if (this.#state === 'playing') this.#state = 'silent';
    this.#sound.clear();
    this.#splicer.fill(CHUNK_SAMPLES);
    this.#arrivals = [];
    this.#wasQuiet = true;
  }
}

const SILENCE = new Float32Array(0);

/** Input samples per output sample that brings the sound back to where it should be. */
function speedFor(behindSamples: number): number {
  const size = Math.abs(behindSamples);
  if (size < 1) return 1;
  const gentle = Math.min(GENTLE_SPEED, size / 4000);
  const urgent = Math.max(0, (size - GENTLE_UP_TO_SAMPLES) / LARGEST_BACKLOG_SAMPLES) * FASTEST_SPEED;
  return 1 + Math.sign(behindSamples) * Math.min(FASTEST_SPEED, gentle + urgent);
}

/** Holds decoded sound, which may overshoot, within -1..1. True if any of it is not zero. */
function limit(samples: Float32Array): boolean {
  let isSound = false;
  for (let i = 0; i < samples.length; i += 1) {
    const sample = samples[i];
    if (sample !== 0) isSound = true;
    if (sample > 1) samples[i] = 1;
    else if (sample < -1) samples[i] = -1;
  }
  return isSound;
}

function rms(samples: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i += 1) sum += samples[i] * samples[i];
  return Math.sqrt(sum / samples.length);
}
