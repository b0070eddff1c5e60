import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { encodeAfterSound } from './thread-priorities.ts';

if (process.platform === 'linux') {
  test('the threads that encode give way to the main thread, and no others do', async () => {
    const before = getPriority(process.pid);
    const found = await encodeAfterSound();
    const after = readdirSync('/proc/self/task').map((thread) => ({
      name: readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim(),
      priority: getPriority(Number(thread)),
    }));
    const encoding = after.filter(({ name }) => name === 'libuv-worker');
    assert.ok(found > 0, 'the pool has no threads by the name that is looked for');
    assert.equal(encoding.length, found);
    assert.ok(encoding.every(({ priority }) => priority === 5));
    assert.ok(after.filter(({ name }) => name !== 'libuv-worker').every(({ priority }) => priority === before));
  });
}
