import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SocketGuard } from './socket-guard.ts';

const open = (...origins: string[]) => new SocketGuard({ origins, maxConnectionsPerAddress: 2 });

test('with * every origin may connect', () => {
  assert.equal(open('*').refuse('https://x.example', 'here:1', 'a'), null);
});

test('the own origin is the one with the same host and port', () => {
  assert.equal(open().refuse('https://here:1', 'here:1', 'a'), null);
  assert.equal(open().refuse('https://here:2', 'here:1', 'a')?.status, 403);
  assert.equal(open().refuse('not a url', 'here:1', 'a')?.status, 403);
});

test('addresses are counted apart and given back', () => {
  const guard = open();
  const leave = guard.enter('a');
  guard.enter('a');
  assert.equal(guard.refuse(undefined, 'here', 'a')?.status, 429);
  assert.equal(guard.refuse(undefined, 'here', 'b'), null);
  leave();
  assert.equal(guard.refuse(undefined, 'here', 'a'), null);
});
