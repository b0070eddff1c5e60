import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PushSource } from './push-source.ts';

/** A source that is read every 20 ms, and what it gave. */
function open(capacityMs = 10_000) {
  let nowMs = 0;
  const source = new PushSource(() => nowMs, { capacityMs });
  const kinds: string[] = [];
  const positions: (number | null)[] = [];
  const arrivals: number[] = [];
  const out = new Float32Array(960);
  const heard: number[] = [];
  const read = (chunk: number) => {
    const { kind, arrivedMs } = source.read(out, chunk * 960);
    kinds.push(kind);
    arrivals.push(arrivedMs);
    positions.push(source.positionMs(chunk * 960));
    heard.push(Math.max(...out.map(Math.abs)));
  };
  return {
    source,
    kinds,
    positions,
    arrivals,
    heard,
    at: (ms: number) => {
      nowMs = ms;
    },
    read,
    /** Reads the chunks up to that time. */
    readUntil(endMs: number) {
      for (let chunk = kinds.length; chunk * 20 <= endMs; chunk += 1) {
        nowMs = chunk * 20;
        read(chunk);
      }
    },
  };
}

const sound = (ms: number, value = 8000) => new Int16Array(ms * 16).fill(value);

test('sound is played in order, 20 ms at a time, and says where in the pushed sound it stands', () => {
  const line = open();
  line.source.push(sound(100));
  line.readUntil(200);
  assert.deepEqual(line.kinds.slice(0, 6), ['sound', 'sound', 'sound', 'sound', 'sound', 'silence']);
  assert.deepEqual(line.positions.slice(0, 6), [0, 20, 40, 60, 80, null]);
  assert.ok(line.heard[2] > 0.2 && line.heard[2] < 0.3, 'as loud as it was');
});

test('after a pause sound gets a short head start, so that a sender who is a little late does not tear it', () => {
  const line = open();
  line.readUntil(20);
  line.at(37);
  line.source.push(sound(40));
  line.readUntil(40);
  assert.equal(line.kinds.at(-1), 'silence', 'it came 3 ms ago');
  line.readUntil(80);
  line.at(82);
  line.source.push(sound(40));
  line.readUntil(120);
  assert.deepEqual(line.kinds.slice(3), ['sound', 'sound', 'sound', 'sound']);
  assert.deepEqual(line.arrivals.slice(3), [37, 37, 82, 82]);
});

test('a last piece that fills no chunk is played when nothing follows it', () => {
  const line = open();
  line.source.push(new Int16Array(16).fill(8000));
  line.readUntil(100);
  assert.deepEqual(line.kinds, ['silence', 'silence', 'sound', 'silence', 'silence', 'silence']);
});

test('sound slower than real time leaves silence in between and loses nothing', () => {
  const line = open();
  for (let i = 0; i < 10; i += 1) {
    line.at(i * 100);
    line.source.push(sound(40));
    line.readUntil(i * 100 + 99);
  }
  assert.equal(line.kinds.filter((kind) => kind === 'sound').length, 20);
  assert.equal(line.source.bufferedMs, 0);
});

test('sound faster than real time waits, up to the capacity; what does not fit is refused whole', () => {
  const line = open(1000);
  for (let i = 0; i < 25; i += 1) assert.equal(line.source.push(sound(40)), true);
  assert.equal(line.source.push(sound(40)), false);
  assert.equal(line.source.bufferedMs, 1000);
  line.readUntil(20);
  assert.equal(line.source.push(sound(40)), true);
  line.readUntil(2000);
  assert.equal(line.kinds.filter((kind) => kind === 'sound').length, 52);
  assert.ok(Number.isNaN(line.arrivals[1]), 'how long sound waits that was sent ahead of time is not our delay');
});

test('what was held up is caught up by leaving out pauses, not speech', () => {
  const line = open();
  const piece = (index: number) => (index % 25 < 15 ? sound(40) : sound(40, 20));
  // A sender in real time, whose sound nobody reads for the first second: the machine was busy.
  for (let i = 0; i < 25; i += 1) {
    line.at(i * 40);
    line.source.push(piece(i));
  }
  const held = line.kinds.length;
  for (let i = 25; i < 100; i += 1) {
    line.at(i * 40);
    line.source.push(piece(i));
    for (const chunk of [2 * i, 2 * i + 1]) {
      line.at(chunk * 20);
      line.read(chunk);
    }
  }
  assert.ok(line.source.bufferedMs <= 80, `${line.source.bufferedMs} ms wait`);
  const positions = line.positions.slice(held).filter((position) => position !== null);
  const left = positions.flatMap((position, i) =>
    i > 0 && position > positions[i - 1] + 20 ? [positions[i - 1] + 20] : [],
  );
  assert.ok(left.length > 0 && left.every((position) => position % 1000 >= 600), `left out at ${left.join(', ')}`);
});

test('sound of a sender whose pieces come late now and then waits for them, and no longer once they come in time', () => {
  const line = open();
  const lagMs = (index: number) => 40 * index - (line.positions.findLast((position) => position !== null) ?? 0);
  const lagsMs: number[] = [];
  for (let i = 0; i < 400; i += 1) {
    // The 30th piece comes 70 ms late, and those behind it wait for it.
    const lateMs = i >= 30 && i <= 31 ? 70 - 40 * (i - 30) : 0;
    line.readUntil(40 * i + lateMs - 1);
    line.at(40 * i + lateMs);
    line.source.push(i % 25 < 15 ? sound(40) : sound(40, 20));
    lagsMs.push(lagMs(i));
  }
  const [before, after, end] = [lagsMs[29], lagsMs[60], lagsMs.at(-1) ?? Number.NaN];
  assert.ok(after >= before + 60 && end <= before + 20, `${before} ms, then ${after} ms, at last ${end} ms`);
});

test('pauses of sound that was sent ahead of time are played', () => {
  const line = open();
  for (let i = 0; i < 50; i += 1) line.source.push(sound(40, i % 2 === 0 ? 8000 : 0));
  line.readUntil(2100);
  assert.deepEqual(
    line.positions.filter((position) => position !== null),
    Array.from({ length: 100 }, (_, i) => i * 20),
  );
});

test('clearing forgets what waits; a closed source takes nothing and ends', () => {
  const line = open();
  line.source.push(sound(500));
  line.source.clear();
  line.readUntil(0);
  assert.deepEqual(line.kinds, ['silence']);
  line.source.close();
  line.source.close();
  assert.equal(line.source.push(sound(40)), true);
  line.readUntil(20);
  assert.equal(line.kinds.at(-1), 'end');
});

test('however sound is cut into pieces and whenever they come, every sample is played once and in order', () => {
  const piece = fc.record({ samples: fc.integer({ min: 1, max: 16_000 }), waitMs: fc.integer({ min: 0, max: 400 }) });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const line = open();
      let nowMs = 0;
      let taken = 0;
      for (const { samples, waitMs } of pieces) {
        nowMs += waitMs;
        line.readUntil(nowMs);
        line.at(nowMs);
        if (line.source.push(new Int16Array(samples).fill(8000))) taken += samples;
      }
      line.readUntil(nowMs + 10_200);
      const positions = line.positions.filter((position) => position !== null);
      for (const [i, position] of positions.entries()) {
        const before = positions[i - 1] ?? -20;
        assert.ok(position > before && position <= before + 20, `${before} ms, then ${position} ms`);
      }
      assert.equal(line.source.bufferedMs, 0);
      const last = positions.at(-1);
      assert.ok(taken === 0 || (last !== undefined && taken / 16 - last <= 20 && taken / 16 > last));
    }),
    { numRuns: 60 },
  );
});
