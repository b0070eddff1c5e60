import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atLeast, atMost, Figures, readable, within } from './figures.ts';

test('a bench holds as long as every figure with a goal meets it', () => {
  const figures = new Figures('demo');
  figures.add('gap', 60, 'ms', atMost(60));
  figures.add('sessions', 10, '', atLeast(10));
  figures.add('load', 999, '%');
  assert.ok(figures.hold);
  figures.add('offset', 20.1, 'ms', within(-20, 20));
  assert.ok(!figures.hold);
});

test('a goal is missed when nothing could be measured', () => {
  const figures = new Figures('demo');
  figures.add('gap', Number.NaN, 'ms', atMost(60));
  assert.ok(!figures.hold);
});

test('programs get one line with every figure, its goal as text and whether it holds', () => {
  const figures = new Figures('demo');
  figures.add('gap', 61.5, 'ms', atMost(60));
  figures.add('load', Number.NaN, '%');
  assert.deepEqual(JSON.parse(figures.json()), {
    bench: 'demo',
    figures: [
      { name: 'gap', value: 61.5, unit: 'ms', goal: '<= 60', holds: false },
      { name: 'load', value: null, unit: '%', goal: null, holds: null },
    ],
  });
});

test('people get a table whose columns line up', () => {
  const figures = new Figures('demo');
  figures.add('gap', 5, 'ms', atMost(60));
  figures.add('frames', 12_345, '');
  assert.equal(
    figures.table(),
    [
      'figure  value  unit  goal   holds',
      '------  -----  ----  -----  -----',
      'gap         5  ms    <= 60  yes',
      'frames  12345',
    ].join('\n'),
  );
});

test('numbers are shown with about three digits', () => {
  assert.deepEqual([0.1234, 12.345, 123.45, 7, Number.NaN].map(readable), ['0.12', '12.3', '123', '7', 'none']);
});
