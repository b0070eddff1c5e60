import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsOf } from './event-stream.js';

async function read(...parts) {
  const events = [];
  for await (const event of eventsOf(new Blob(parts).stream())) events.push(event);
  return events;
}

test('events are read in their order, comments and what is cut off at the end are left out', async () => {
  assert.deepEqual(
    await read('event: progress\ndata: {"a":1}\n\n:\n\n', 'data: plain\n\nevent: progress\ndata: {"cut'),
    [
      { event: 'progress', data: '{"a":1}' },
      { event: 'message', data: 'plain' },
    ],
  );
});

test('an event that comes in many pieces is one event, also where a letter is cut in two', async () => {
  const bytes = new TextEncoder().encode('event: progress\ndata: für\ndata: dich\n\n');
  const stream = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const events = [];
  for await (const event of eventsOf(stream)) events.push(event);
  assert.deepEqual(events, [{ event: 'progress', data: 'für\ndich' }]);
});

test('a reader that has heard enough ends the stream', async () => {
  let isCancelled = false;
  const stream = new ReadableStream({
    pull: (controller) => controller.enqueue(new TextEncoder().encode('data: x\n\n')),
    cancel() {
      isCancelled = true;
    },
  });
  for await (const { data } of eventsOf(stream)) {
    assert.equal(data, 'x');
    break;
  }
  assert.ok(isCancelled);
});
