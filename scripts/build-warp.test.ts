import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compileKernel, KERNELS, kernelBinary } from './build-warp.ts';

for (const kernel of KERNELS) {
  test(`the committed ${kernel}.wasm is what ${kernel}.as.ts compiles to`, async () => {
    const fresh = Buffer.from(await compileKernel(kernel));
    assert.ok(
      fresh.equals(readFileSync(kernelBinary(kernel))),
      'run `node scripts/build-warp.ts` and commit the result',
    );
  });
}
