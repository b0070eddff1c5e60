import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MicrophoneSource, type PacketDecoder } from './microphone-source.ts';
import type { SourceRead } from './source.ts';

/** Opus table of contents: one 20 ms frame of CELT. */
const TOC = 31 << 3;

/** A sender and a session with their own clocks, and a network between them. Deterministic. */
class Call {
  nowMs = 0;
  readonly source: MicrophoneSource;
  readonly reads: (SourceRead & { atMs: number })[] = [];
  /** What was heard; a whole second when one ends. */
  readonly heard = new Float32Array(48_000);
  /** Sound of packet `index`, 960 samples. */
  sound = (index: number): Float32Array => sine(index * 960);
  /** Time after sending at which packet `index` arrives; null if it is lost. */
  transitMs = (_index: number): number | null => 20;
  /** Whether packet `index` is sent at all. */
  isSent = (_index: number): boolean => true;
  readonly #inFlight: { atMs: number; index: number; sequence: number }[] = [];
  readonly #senderMsPerPacket: number;
  readonly #firstSendMs: number;
  #sent = 0;
  #sequence: number;
  #chunk = 0;
  sequenceStart = 65_500;
  timestampStart = 0xffff_f000;

  constructor(options: { ppm?: number; phaseMs?: number; maxDelayMs?: number } = {}) {
    this.#senderMsPerPacket = 20 / (1 + (options.ppm ?? 0) / 1e6);
    this.#firstSendMs = options.phaseMs ?? 0;
    this.#sequence = this.sequenceStart;
    const decoder: PacketDecoder = {
      decode: (payload) => this.sound(new DataView(payload.buffer).getUint32(4)),
      close: () => {},
    };
    this.source = new MicrophoneSource(decoder, () => this.nowMs, { maxDelayMs: options.maxDelayMs ?? 200 });
  }

  /** Runs until `ms`, calling `onChunk` after each read with what was heard. */
  run(ms: number, onChunk: (out: Float32Array, chunk: number) => void = () => {}): void {
    const out = new Float32Array(960);
    for (; this.#chunk * 20 < ms; this.#chunk += 1) {
      const readMs = this.#chunk * 20;
      this.#sendUntil(readMs);
      this.#deliverUntil(readMs);
      this.nowMs = readMs;
      const read = this.source.read(out, this.#chunk * 960);
      this.reads.push({ ...read, atMs: readMs });
      this.heard.set(out, (this.#chunk % 50) * 960);
      onChunk(out, this.#chunk);
    }
  }

  #sendUntil(readMs: number): void {
    for (;;) {
      const sentMs = this.#firstSendMs + this.#sent * this.#senderMsPerPacket;
      if (sentMs > readMs) return;
      const index = this.#sent;
      this.#sent += 1;
      if (!this.isSent(index)) continue;
      const transitMs = this.transitMs(index);
      if (transitMs !== null) this.#inFlight.push({ atMs: sentMs + transitMs, index, sequence: this.#sequence });
      this.#sequence += 1;
    }
  }

  #deliverUntil(readMs: number): void {
    this.#inFlight.sort((a, b) => a.atMs - b.atMs);
    while (this.#inFlight.length > 0 && this.#inFlight[0].atMs <= readMs) {
      const { atMs, index, sequence } = this.#inFlight.shift()!;
      this.nowMs = atMs;
      const payload = new Uint8Array(8);
      payload[0] = TOC;
      new DataView(payload.buffer).setUint32(4, index);
      this.source.push({
        payload,
        sequenceNumber: sequence & 0xffff,
        timestamp: (this.timestampStart + index * 960) >>> 0,
        arrivedMs: atMs,
      });
    }
  }
}

/** 11 periods of 440 Hz are 1200 samples, so a short table holds the tone for ever. */
const TONE = Float32Array.from({ length: 1200 + 960 }, (_, n) => 0.5 * Math.sin((2 * Math.PI * 440 * n) / 48_000));

function sine(from: number): Float32Array {
  return TONE.subarray(from % 1200, (from % 1200) + 960);
}

/** Frequency of a clean tone: rising zero crossings, placed between samples. */
function frequencyHz(sound: Float32Array): number {
  let first = Number.NaN;
  let last = Number.NaN;
  let periods = -1;
  for (let n = 1; n < sound.length; n += 1) {
    if (!(sound[n - 1] < 0 && sound[n] >= 0)) continue;
    last = n - sound[n] / (sound[n] - sound[n - 1]);
    if (periods < 0) first = last;
    periods += 1;
  }
  return (48_000 * periods) / (last - first);
}

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Remembers the largest step from one sample to the next. */
function stepMeter(): { add(out: Float32Array): void; largest: number } {
  let last = 0;
  return {
    largest: 0,
    add(out) {
      for (const sample of out) {
        this.largest = Math.max(this.largest, Math.abs(sample - last));
        last = sample;
      }
    },
  };
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

test('with a calm sender the median wait from arrival to read is at most 20 ms, over all phases of the clocks', () => {
  const waits: number[] = [];
  for (let phaseMs = 0; phaseMs < 20; phaseMs += 1) {
    const call = new Call({ phaseMs });
    call.run(4000);
    for (const read of call.reads) if (read.kind === 'sound') waits.push(read.atMs - read.arrivedMs);
    assert.equal(call.source.figures().concealedMs, 0, `phase ${phaseMs}`);
  }
  assert.ok(median(waits) <= 20, `${median(waits)} ms`);
  assert.ok(Math.max(...waits) <= 30, `${Math.max(...waits)} ms`);
});

for (const ppm of [200, -200]) {
  test(`an hour with a sender ${ppm} ppm off plays every sound, at a bounded delay and the right pitch`, () => {
    const call = new Call({ ppm });
    let worstHz = 0;
    let worstMs = 0;
    call.run(3_600_000, (_out, chunk) => {
      if (chunk < 100 || chunk % 50 !== 49) return;
      worstHz = Math.max(worstHz, Math.abs(frequencyHz(call.heard) - 440));
      worstMs = Math.max(worstMs, call.source.figures().bufferMs);
    });
    const figures = call.source.figures();
    assert.equal(figures.droppedMs, 0);
    assert.equal(figures.concealedMs, 0);
    assert.equal(figures.lostPackets, 0);
    assert.ok(worstHz < 0.5, `${worstHz} Hz off`);
    assert.ok(worstMs <= 45, `${worstMs} ms waited`);
    assert.ok(Math.abs(figures.driftPpm - ppm) < 20, `${figures.driftPpm} ppm`);
    assert.ok(call.reads.slice(10).every((read) => read.kind === 'sound'));
  });
}

test('a delay that jumps about by 60 ms is absorbed: after ten seconds hardly anything is missing', () => {
  const next = random(5);
  const call = new Call();
  call.transitMs = () => 20 + 60 * next();
  call.run(10_000);
  const before = call.source.figures().concealedMs;
  call.run(40_000);
  const figures = call.source.figures();
  assert.ok(figures.concealedMs - before < 300, `${figures.concealedMs - before} ms in 30 s`);
  assert.ok(figures.targetMs > 50 && figures.targetMs < 110, `${figures.targetMs} ms`);
});

test('reordered packets are played in order', () => {
  const call = new Call();
  // Every tenth packet is overtaken by the next one.
  call.transitMs = (index) => (index % 10 === 3 ? 45 : 20);
  const steps = stepMeter();
  call.run(10_000, (out) => steps.add(out));
  const before = call.source.figures().concealedMs;
  steps.largest = 0;
  call.run(20_000, (out) => steps.add(out));
  assert.equal(call.source.figures().concealedMs - before, 0);
  assert.ok(steps.largest < 0.5 * ((2 * Math.PI * 440) / 48_000) * 1.05, `step of ${steps.largest}`);
});

test('one packet in twenty lost at random leaves short holes without clicks, and the delay does not grow', () => {
  const next = random(11);
  const call = new Call({ phaseMs: 5 });
  let lost = 0;
  call.transitMs = () => {
    if (next() >= 0.05) return 20;
    lost += 1;
    return null;
  };
  const steps = stepMeter();
  call.run(60_000, (out) => steps.add(out));
  const figures = call.source.figures();
  assert.ok(Math.abs(figures.lostPackets - lost) <= 1, `${figures.lostPackets} of ${lost}`);
  assert.ok(Math.abs(figures.concealedMs - 20 * lost) <= 0.1 * 20 * lost, `${figures.concealedMs} ms`);
  assert.ok(figures.bufferMs < 45 && figures.targetMs < 30, `${figures.bufferMs} ms, ${figures.targetMs} ms`);
  assert.equal(figures.droppedMs, 0);
  // A hard edge of the tone would be a step of up to 0.5.
  assert.ok(steps.largest < 0.06, `step of ${steps.largest}`);
});

test('after a stall of 300 ms the burst is cut to a bounded backlog at once, and the rest is caught up in the next pause', () => {
  const call = new Call();
  const stallMs = 5000;
  call.transitMs = (index) => (index * 20 >= stallMs && index * 20 < stallMs + 300 ? 320 - (index * 20 - stallMs) : 20);
  // A pause of 400 ms a second later.
  call.sound = (index) => (index >= 320 && index < 340 ? new Float32Array(960).fill(1e-3) : sine(index * 960));
  const steps = stepMeter();
  call.run(stallMs + 400, (out) => steps.add(out));
  const burst = call.source.figures();
  assert.ok(burst.bufferMs < 80 + 45, `${burst.bufferMs} ms`);
  assert.ok(burst.droppedMs > 100 && burst.droppedMs <= 300, `${burst.droppedMs} ms dropped`);
  assert.ok(burst.concealedMs <= 40, `${burst.concealedMs}`);
  call.run(stallMs + 2500);
  const later = call.source.figures();
  assert.ok(later.bufferMs < 45, `${later.bufferMs} ms`);
  assert.ok(steps.largest < 0.06, `step of ${steps.largest}`);
});

test('a talker who pauses without sending is silent in between and comes back with the same small delay', () => {
  const call = new Call({ phaseMs: 3 });
  call.isSent = (index) => index % 100 < 60;
  call.run(20_000);
  const figures = call.source.figures();
  const silent = call.reads.filter((read) => read.kind === 'silence').length;
  assert.ok(
    silent > 0.38 * call.reads.length && silent < 0.42 * call.reads.length,
    `${silent} of ${call.reads.length}`,
  );
  const waits = call.reads.filter((read) => read.kind === 'sound').map((read) => read.atMs - read.arrivedMs);
  assert.ok(median(waits) <= 30);
  assert.equal(figures.lostPackets, 0);
  assert.equal(figures.droppedMs, 0);
});

test('a sender that begins anew with other numbers is heard at once', () => {
  const call = new Call();
  call.run(2000);
  call.timestampStart = 1_234_567;
  call.run(2200);
  assert.ok(call.reads.slice(-5).every((read) => read.kind === 'sound'));
  assert.ok(call.source.figures().bufferMs < 45);
});

test('a sender whose clock stood still for half a second is heard again within a second', () => {
  const call = new Call();
  call.isSent = (index) => index < 100 || index >= 125;
  call.run(2500);
  call.timestampStart -= 24_000;
  call.run(3500);
  call.reads.length = 0;
  call.run(6000);
  assert.ok(call.reads.every((read) => read.kind === 'sound'));
});

test('a network whose delay rises for good by 100 ms is followed without lasting holes', () => {
  const call = new Call();
  call.transitMs = (index) => (index < 250 ? 20 : 120);
  call.run(20_000);
  call.reads.length = 0;
  const before = call.source.figures().concealedMs;
  call.run(40_000);
  assert.equal(call.source.figures().concealedMs, before);
  assert.ok(call.reads.every((read) => read.kind === 'sound'));
});

test('a session that does not read keeps at most half a second, and hears the newest of it', () => {
  const call = new Call();
  call.run(1000);
  for (let index = 0; index < 500; index += 1) {
    const payload = Uint8Array.of(TOC, 0, 0, 0, 0, 0, 0, 0);
    call.source.push({ payload, sequenceNumber: index, timestamp: index * 960, ssrc: 7, arrivedMs: 1000 + index * 20 });
  }
  const figures = call.source.figures();
  assert.ok(figures.bufferMs <= 500, `${figures.bufferMs} ms`);
  assert.ok(figures.droppedMs >= 9000);
});

test('before the first packet there is silence, whose arrival is unknown', () => {
  const source = new MicrophoneSource({ decode: () => new Float32Array(960), close: () => {} }, () => 0);
  const out = new Float32Array(960).fill(1);
  const read = source.read(out, 0);
  assert.equal(read.kind, 'silence');
  assert.ok(Number.isNaN(read.arrivedMs));
  assert.ok(out.every((value) => value === 0));
});

test('packets that cannot be decoded are silence, not an exception', () => {
  const source = new MicrophoneSource(
    {
      decode: () => {
        throw new Error('no Opus');
      },
      close: () => {},
    },
    () => 0,
  );
  for (let index = 0; index < 5; index += 1) {
    source.push({ payload: Uint8Array.of(TOC, 1, 2, 3), sequenceNumber: index, timestamp: index * 960, arrivedMs: 0 });
  }
  source.push({ payload: new Uint8Array(0), sequenceNumber: 5, timestamp: 4800, arrivedMs: 0 });
  const out = new Float32Array(960);
  for (let chunk = 0; chunk < 5; chunk += 1) assert.equal(source.read(out, chunk * 960).kind, 'silence');
});

test('sound that overshoots is limited to -1..1', () => {
  const call = new Call();
  call.sound = () => new Float32Array(960).fill(1.5);
  call.run(200);
  assert.equal(Math.max(...call.heard), 1);
});

test('clear forgets what waits, close closes the decoder once and ends the source', () => {
  let closes = 0;
  const call = new Call();
  call.run(1000);
  call.source.clear();
  assert.equal(call.source.figures().bufferMs, 0);
  const source = new MicrophoneSource(
    {
      decode: () => new Float32Array(960),
      close: () => {
        closes += 1;
      },
    },
    () => 0,
  );
  source.close();
  source.close();
  assert.equal(closes, 1);
  assert.equal(source.read(new Float32Array(960), 0).kind, 'end');
});
