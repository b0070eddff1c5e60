import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressBar } from './progress-bar.ts';

function output(isTTY: boolean, columns = 80) {
  const texts: string[] = [];
  return { isTTY, columns, texts, write: (text: string) => texts.push(text) };
}

test('a file gets one line per quarter', () => {
  const file = output(false);
  const show = progressBar('Preparing sam', file);
  for (let i = 0; i <= 100; i++) show(i / 100);
  show(1);
  assert.deepEqual(
    file.texts,
    [0, 25, 50, 75, 100].map((percent) => `Preparing sam: ${percent} %\n`),
  );
});

test('a terminal gets one bar that is redrawn per percent and ends with a new line', () => {
  const terminal = output(true);
  const show = progressBar('Preparing sam', terminal);
  for (let i = 0; i <= 1000; i++) show(i / 1000);
  assert.equal(terminal.texts.length, 101);
  assert.match(terminal.texts[50], /^\rPreparing sam █{16}░{16} 50 %$/);
  assert.match(terminal.texts[100], /^\rPreparing sam █{32} 100 %\n$/);
});

test('a narrow terminal gets a bar that does not wrap', () => {
  const terminal = output(true, 30);
  progressBar('Preparing sam', terminal)(0.5);
  assert.ok(terminal.texts[0].length <= 30);
});

test('progress does not run backwards', () => {
  const file = output(false);
  const show = progressBar('x', file);
  show(0.6);
  show(0.2);
  assert.deepEqual(file.texts, ['x: 50 %\n']);
});
