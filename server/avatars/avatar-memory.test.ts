import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fakeAvatar } from '../testing/fakes.ts';
import { AvatarMemory } from './avatar-memory.ts';

/** Room for two avatars of 10 bytes; loads are counted, and fail for `damaged`. */
function open(ids = ['a', 'b', 'c', 'd'], maxBytes = 20) {
  const shown = new Set<string>();
  const inEngine = new Set<string>();
  const loads: string[] = [];
  const memory = new AvatarMemory({
    maxBytes,
    isShown: (id) => shown.has(id),
    onLoaded: ({ id }) => inEngine.add(id),
    onUnloaded: (id) => inEngine.delete(id),
  });
  const know = (id: string) => {
    memory.know(id, {
      sizeBytes: 10,
      load: async () => {
        loads.push(id);
        if (id === 'damaged') throw new Error('damaged');
        return fakeAvatar(id);
      },
    });
  };
  for (const id of ids) know(id);
  return { memory, shown, inEngine, loads, know };
}

test('an avatar is loaded when it is first wanted, once for all who want it', async () => {
  const { memory, loads } = open();
  assert.equal(memory.get('a'), null);
  const [first, second] = await Promise.all([memory.bring('a'), memory.bring('a')]);
  assert.equal(first, second);
  assert.equal(memory.get('a'), first);
  assert.deepEqual(loads, ['a']);
});

test('the one that was wanted least recently makes room, and is loaded again when it is wanted', async () => {
  const { memory, inEngine, loads } = open();
  for (const id of ['a', 'b', 'a', 'c']) await memory.bring(id);
  assert.deepEqual([...inEngine], ['a', 'c']);
  assert.equal(memory.get('b'), null);
  await memory.bring('b');
  assert.deepEqual([...inEngine], ['c', 'b']);
  assert.deepEqual(loads, ['a', 'b', 'c', 'b']);
});

test('one that is shown stays, even if all together are too large then', async () => {
  const { memory, shown, inEngine } = open();
  await memory.bring('a');
  await memory.bring('b');
  shown.add('a').add('b');
  await memory.bring('c');
  assert.deepEqual([...inEngine], ['a', 'b', 'c']);
  shown.delete('a');
  await memory.bring('d');
  assert.deepEqual([...inEngine], ['b', 'd']);
});

test('one that is forgotten goes at once, or when nobody shows it any more', async () => {
  const { memory, shown, inEngine } = open();
  await memory.bring('a');
  memory.forget('a');
  assert.deepEqual([...inEngine], []);
  await assert.rejects(memory.bring('a'), RangeError);

  await memory.bring('b');
  shown.add('b');
  memory.forget('b');
  assert.equal(memory.get('b'), null);
  assert.deepEqual([...inEngine], ['b']);
  shown.delete('b');
  await memory.bring('c');
  assert.deepEqual([...inEngine], ['c']);
});

test('one that is forgotten while it is being loaded does not stay', async () => {
  const { memory, inEngine } = open();
  const coming = memory.bring('a');
  memory.forget('a');
  assert.equal((await coming).id, 'a');
  assert.deepEqual([[...inEngine], memory.sizeBytes], [[], 0]);
});

test('one that cannot be loaded takes no room, and the next one who asks tries again', async () => {
  const { memory, loads } = open(['damaged']);
  await assert.rejects(memory.bring('damaged'), /damaged/);
  assert.equal(memory.sizeBytes, 0);
  await assert.rejects(memory.bring('damaged'), /damaged/);
  assert.deepEqual(loads, ['damaged', 'damaged']);
});

test('whatever is wanted, shown and forgotten, the engine knows what is in memory, and only what is shown goes beyond the limit', async () => {
  const ids = ['a', 'b', 'c', 'd'];
  const step = fc.tuple(fc.constantFrom('bring', 'show', 'hide', 'forget', 'know'), fc.constantFrom(...ids));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { memory, shown, inEngine, know } = open(ids);
      const forgotten = new Set<string>();
      for (const [action, id] of steps) {
        if (action === 'bring' && !forgotten.has(id)) {
          await memory.bring(id);
          assert.ok(inEngine.has(id));
        } else if (action === 'show' && memory.get(id)) shown.add(id);
        else if (action === 'hide') shown.delete(id);
        else if (action === 'forget') {
          memory.forget(id);
          forgotten.add(id);
        } else if (action === 'know' && forgotten.has(id) && !shown.has(id)) {
          know(id);
          forgotten.delete(id);
        }
        for (const each of ids) if (memory.get(each)) assert.ok(inEngine.has(each), `${each} after ${action} ${id}`);
        for (const each of shown) assert.ok(inEngine.has(each), `${each} is shown`);
        if (action === 'bring') assert.ok(memory.sizeBytes <= Math.max(20, 10 * (shown.size + 1)));
      }
    }),
  );
});
