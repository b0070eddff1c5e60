import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchTimes } from './batch-times.ts';
import { type MouthGrant, MouthRates } from './mouth-rates.ts';

/** 10 ms a mouth in any size: 90 mouths a second can be promised. */
const linear = () => new BatchTimes([1, 2, 4, 8].map((size) => ({ size, ms: 10 * size })));
const DUE_AFTER_MS = 120;

/** Lets sessions talk at 25 frames a second and counts what each gets. */
class Talk {
  readonly rates: MouthRates;
  nowMs = 0;

  constructor(times = linear()) {
    this.rates = new MouthRates(times, DUE_AFTER_MS);
  }

  /** @returns The grants of each session, frame by frame. */
  run(sessions: number, ms: number): MouthGrant[][] {
    const grants: MouthGrant[][] = Array.from({ length: sessions }, () => []);
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 40) {
      for (let session = 0; session < sessions; session += 1) {
        grants[session].push(this.rates.next(`s${session}`, this.nowMs));
      }
    }
    return grants;
  }
}

const drawn = (grants: readonly MouthGrant[]): number =>
  grants.filter((grant) => grant === 'first' || grant === 'next').length;

test('as long as there is room every frame has a new mouth', () => {
  const [one, ...others] = new Talk().run(3, 4_000);
  assert.equal(one[0], 'first');
  assert.equal(drawn(one), 100);
  for (const grants of others) assert.equal(drawn(grants), 100);
});

test('where it gets tight all sessions go to 20 new mouths a second, then to 15, and none waits longer than two frames', () => {
  for (const [sessions, rate] of [
    [4, 20],
    [5, 15],
    [6, 15],
  ]) {
    const talk = new Talk();
    talk.run(sessions, 1_000);
    assert.equal(talk.rates.rate, rate);
    for (const grants of talk.run(sessions, 4_000)) {
      assert.equal(drawn(grants), 4 * rate);
      assert.ok(!grants.includes('resting'));
      assert.doesNotMatch(grants.join(' '), /held held/);
    }
  }
});

test('below that, as many as fit are drawn and the others rest, and they take turns', () => {
  const talk = new Talk();
  const all = talk.run(9, 60_000);
  assert.deepEqual(talk.rates.talking, { all: 9, resting: 3 });
  const shares = all.map((grants) => drawn(grants) / 60);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  assert.ok(Math.abs(mean - 10) < 0.5, `${mean} a second`);
  for (const share of shares) assert.ok(share > 0.8 * mean && share < 1.2 * mean, shares.join(' '));
});

test('when there is room again, and has been for three seconds, the rate goes up', () => {
  const talk = new Talk();
  talk.run(6, 2_000);
  talk.run(3, 3_500);
  assert.equal(talk.rates.rate, 15);
  talk.run(3, 1_000);
  assert.equal(talk.rates.rate, 25);
});

test('the rate does not swing where one more session makes the difference', () => {
  const talk = new Talk();
  const seen: number[] = [];
  for (let second = 0; second < 40; second += 1) {
    talk.run(3 + (second % 2), 1_000);
    seen.push(talk.rates.rate);
  }
  assert.deepEqual(seen.slice(2), new Array(38).fill(20));
});

test('pictures that come late all the same make less be promised', () => {
  const talk = new Talk();
  talk.run(3, 2_000);
  for (let second = 0; second < 8; second += 1) {
    for (let picture = 0; picture < 50; picture += 1) talk.rates.note(picture % 5 !== 0);
    talk.run(3, 1_000);
  }
  assert.equal(talk.rates.rate, 20);
});

test('a slower device is felt by those who talk', () => {
  const times = linear();
  const talk = new Talk(times);
  talk.run(3, 1_000);
  for (let batch = 0; batch < 15; batch += 1) times.learn(2, 32);
  talk.run(3, 500);
  assert.equal(talk.rates.rate, 15);
});

test('the capacity is how many can talk at the lowest rate, with batches as large as their time allows', () => {
  assert.equal(new Talk().rates.capacity, 6);
  const batched = new BatchTimes([1, 2, 4, 8, 16].map((size) => ({ size, ms: 8 + 2 * size })));
  assert.equal(new MouthRates(batched, 40).capacity, 15, 'batches of 4 in 16 ms: 225 a second');
  assert.equal(new MouthRates(batched, 400).capacity, 24, 'batches of 16 in 40 ms: 360 a second');
});

test('a device that is too slow for anybody carries one, whose face it is asked for all the same', () => {
  const slow = new BatchTimes([{ size: 1, ms: 900 }]);
  const talk = new Talk(slow);
  assert.equal(talk.rates.capacity, 1);
  const [grants] = talk.run(1, 4_000);
  assert.equal(drawn(grants), 60);
});

test('a session that has ended leaves its share to the others', () => {
  const talk = new Talk();
  talk.run(4, 1_000);
  talk.rates.end('s3');
  assert.equal(talk.rates.talking.all, 3);
});
