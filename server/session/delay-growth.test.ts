import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DelayGrowth } from './delay-growth.ts';

/** Takes `count` frames from `first` on, those late that `isLate` says. */
function note(growth: DelayGrowth, first: number, count: number, isLate: (frame: number) => boolean): void {
  for (let frame = first; frame < first + count; frame += 1) growth.note(frame, isLate(frame));
}

const among = (...frames: number[]) => frames.includes.bind(frames);

test('four late pictures within three hundred frames ask for more delay, three do not', () => {
  const growth = new DelayGrowth(40);
  note(growth, 0, 290, among(5, 50, 150));
  assert.equal(growth.isWanted(290, false), false);
  growth.note(290, true);
  assert.equal(growth.isWanted(291, false), true);
});

test('four late pictures that are spread over more than three hundred frames are no reason', () => {
  for (const [apart, isReason] of [
    [100, false],
    [99, true],
  ] as const) {
    const growth = new DelayGrowth(40);
    note(growth, 0, 1_000, (frame) => frame % apart === 0);
    assert.equal(growth.isWanted(1_000, false), isReason);
  }
});

test('late pictures one after the other are one incident', () => {
  const growth = new DelayGrowth(40);
  note(growth, 0, 100, (frame) => frame >= 10 && frame < 25);
  note(growth, 100, 100, (frame) => frame % 2 === 0 && frame < 114);
  assert.equal(growth.isWanted(200, false), false);
});

test('pictures that are late all the time are a reason all the same', () => {
  const growth = new DelayGrowth(40);
  note(growth, 0, 50, () => true);
  assert.equal(growth.isWanted(50, false), true);
});

test('growth waits for a pause of the speech, but for two seconds at most', () => {
  const growth = new DelayGrowth(40);
  note(growth, 0, 91, among(10, 30, 50, 90));
  assert.equal(growth.isWanted(91, true), false);
  assert.equal(growth.isWanted(139, true), false);
  assert.equal(growth.isWanted(91, false), true);
  assert.equal(growth.isWanted(140, true), true);
});

test('after it has grown, frames that were begun with less delay count no more', () => {
  const growth = new DelayGrowth(40);
  note(growth, 0, 91, among(10, 30, 50, 90));
  growth.grow(95);
  assert.equal(growth.grownMs, 20);
  note(growth, 91, 69, among(91, 94, 110, 125, 140));
  assert.equal(growth.isWanted(160, false), false);
  growth.note(160, true);
  assert.equal(growth.isWanted(161, false), true);
});

test('it grows to the most that is allowed and no further', () => {
  for (const [mostMs, steps] of [
    [0, 0],
    [20, 1],
    [40, 2],
  ]) {
    const growth = new DelayGrowth(mostMs);
    for (let frame = 0; frame < 1_000; frame += 1) {
      growth.note(frame, true);
      if (growth.isWanted(frame, false)) growth.grow(frame);
    }
    assert.equal(growth.grownMs, steps * 20);
  }
});

test('what another engine was late with does not count against the next one', () => {
  const growth = new DelayGrowth(40);
  note(growth, 0, 60, among(10, 30, 50));
  growth.restart(60);
  note(growth, 60, 30, among(70));
  assert.equal(growth.isWanted(90, false), false);
});
