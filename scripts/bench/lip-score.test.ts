import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Labels, LipScorer } from './lip-score.ts';

const CLOSED = [0, 0, 0, 0, 0, 1, 0, 0];
const OPEN = [0.5, 0, 0, 0, 0, 0, 0, 0];
const ROUND = [0.2, 0, 0, 0, 0.8, 0, 0, 0];
/** a b a u: ten frames each, two for the b. */
const labels: Labels = {
  phones: [
    ['aa', 0, 400],
    ['b', 400, 480],
    ['aa', 480, 880],
    ['uw', 880, 1280],
  ],
  curve: [...repeat(OPEN, 10), ...repeat(CLOSED, 2), ...repeat(OPEN, 10), ...repeat(ROUND, 10)],
};

function repeat(mouth: readonly number[], times: number): (readonly number[])[] {
  return Array.from({ length: times }, () => mouth);
}

function scoreOf(mouths: readonly (readonly number[])[]): ReturnType<LipScorer['score']> {
  const scorer = new LipScorer();
  scorer.add(
    mouths.map((mouth) => Float32Array.from(mouth)),
    labels,
  );
  return scorer.score();
}

test('a mouth that does what it should scores full marks', () => {
  const score = scoreOf(labels.curve);
  assert.ok(Math.abs(score.jawCorrelation - 1) < 1e-6);
  assert.deepEqual(
    { ...score, jawCorrelation: 1 },
    {
      jawCorrelation: 1,
      lagMs: 0,
      classAccuracy: 1,
      closureRecall: 1,
      falseClosures: 0,
    },
  );
});

test('a mouth that comes two frames late lags by 80 ms', () => {
  assert.equal(scoreOf([OPEN, OPEN, ...labels.curve.slice(0, -2)]).lagMs, 80);
});

test('a mouth that never closes sees no b, and one that is always closed closes every vowel', () => {
  assert.equal(scoreOf(repeat(OPEN, 32)).closureRecall, 0);
  assert.equal(scoreOf(repeat(OPEN, 32)).classAccuracy, 1 / 3);
  const closed = scoreOf(repeat(CLOSED, 32));
  assert.deepEqual([closed.closureRecall, closed.falseClosures], [1, 1]);
});
