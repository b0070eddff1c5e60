import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compileWarp, WARP_BINARY } from './build-warp.ts';

test('the committed warp.wasm is what warp.as.ts compiles to', async () => {
  const fresh = Buffer.from(await compileWarp());
  assert.ok(fresh.equals(readFileSync(WARP_BINARY)), 'run `node scripts/build-warp.ts` and commit the result');
});
