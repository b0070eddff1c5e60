import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { frugalStart } from './frugal-start.ts';

test('a start that already is frugal needs nothing, so that no program starts itself for ever', () => {
  const start = frugalStart({ env: { HOME: '/home/anna' }, flags: ['--expose-gc'] });
  assert.equal(start?.env.HOME, '/home/anna');
  assert.equal(start.flags[0], '--expose-gc');
  assert.equal(frugalStart(start), null);
});

test('what somebody chose in the environment or by a flag is kept', () => {
  const chosen = { MALLOC_ARENA_MAX: '8', NODE_OPTIONS: '--max_semi_space_size=32' };
  const start = frugalStart({ env: chosen, flags: [] });
  assert.equal(start?.env.MALLOC_ARENA_MAX, '8');
  assert.equal(typeof start.env.MALLOC_MMAP_THRESHOLD_, 'string');
  assert.deepEqual(start.flags, ['--heap-growing-percent=100']);
  const flags = ['--max-semi-space-size=32', '--heap_growing_percent=50'];
  assert.deepEqual(frugalStart({ env: {}, flags })?.flags, flags);
});

/**
 * Makes and lets go of 150 MB in large blocks between small ones that stay, after large ones have come and gone before. Prints
 * by how many MB the process has grown, once that is little or a second has passed.
 */
const CROWD = `
  const rssMb = () => process.memoryUsage.rss() / 1e6;
  new Uint8Array(4_000_000).fill(1);
  gc();
  const beforeMb = rssMb();
  const stay = [];
  let leave = [];
  for (let i = 0; i < 500; i++) {
    leave.push(new Uint8Array(300_000).fill(1));
    stay.push(new Uint8Array(8_000).fill(1));
  }
  leave = null;
  const startMs = performance.now();
  const look = () => {
    gc();
    const grownMb = rssMb() - beforeMb;
    if (grownMb > 40 && performance.now() < startMs + 1000) setTimeout(look, 20);
    else console.log(JSON.stringify({ grownMb, stay: stay.length }));
  };
  look();
`;

// Other systems have an allocator of their own.
if (process.platform === 'linux') {
  test('large blocks that are let go between small ones that stay are given back to the system', async () => {
    const { MALLOC_ARENA_MAX, MALLOC_MMAP_THRESHOLD_, MALLOC_TRIM_THRESHOLD_, ...plain } = process.env;
    const start = frugalStart({ env: plain, flags: ['--expose-gc'] });
    const { stdout } = await promisify(execFile)(process.execPath, [...(start?.flags ?? []), '-e', CROWD], {
      env: start?.env,
      timeout: 60_000,
    });
    assert.ok(JSON.parse(stdout).grownMb < 40, `grew by ${stdout}`);
  });
}
