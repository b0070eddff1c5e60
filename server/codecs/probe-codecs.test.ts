import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkCodecs } from './probe-codecs.ts';

test('the installed FFmpeg has every codec that the product needs', () => {
  assert.deepEqual(checkCodecs(), []);
});
