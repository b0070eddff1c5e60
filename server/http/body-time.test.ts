import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { type HttpRig, openHttpRig } from '../testing/http-rig.ts';

let rig: HttpRig;
let answerSlowly: () => void;
beforeEach(async () => {
  const answer = new Promise<void>((resolve) => {
    answerSlowly = resolve;
  });
  rig = await openHttpRig({
    bodyTimeoutMs: 50,
    addRoutes: (app) => {
      const schema = { hide: true };
      app.post('/small', { config: { scope: 'public' }, schema }, async () => 'taken');
      app.post('/large', { config: { scope: 'public', takesFiles: true }, schema }, async () => 'taken');
      app.post('/slow', { config: { scope: 'public' }, schema }, async () => answer.then(() => 'taken'));
    },
  });
});
afterEach(() => rig.close());

/** Sends all of a body of `{"a":1}` but its end. */
async function begin(path: string) {
  const socket = connect(rig.port, '127.0.0.1');
  await once(socket, 'connect');
  const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n`;
  socket.write(`${head}{"a":`);
  return socket;
}

test('a body that does not come whole in time is given up, while one with files has longer', {
  timeout: 10_000,
}, async () => {
  const large = await begin('/large');
  const small = await begin('/small');
  await once(small, 'close');
  large.write('1}');
  assert.match(String((await once(large, 'data'))[0]), /^HTTP\/1\.1 200 /);
  large.destroy();
});

test('a request that came whole may be answered as late as it takes', { timeout: 10_000 }, async () => {
  const slow = await begin('/slow');
  slow.write('1}');
  const cutOff = await begin('/small');
  await once(cutOff, 'close');
  answerSlowly();
  assert.match(String((await once(slow, 'data'))[0]), /^HTTP\/1\.1 200 /);
  slow.destroy();
});
