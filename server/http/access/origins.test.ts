import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowsOrigin, namesThisMachine } from './origins.ts';

test('the server’s own pages, configured origins and clients that are no browsers are allowed', () => {
  for (const origin of ['http://here:8080', 'https://good.example', undefined]) {
    assert.ok(allowsOrigin(origin, 'here:8080', ['https://good.example']), origin);
  }
  for (const origin of ['null', '', 'http://here:8081', 'http://here', 'https://good.example.org', 'here:8080']) {
    assert.ok(!allowsOrigin(origin, 'here:8080', ['https://good.example']), origin);
  }
  assert.ok(allowsOrigin('https://any.example', 'here', ['*']));
});

test('a host that only pretends to be this machine is told from one that is', () => {
  for (const host of ['localhost:8080', '127.0.0.1', '[::1]:8080', 'me.localhost:1', 'dev.test:8080']) {
    assert.ok(namesThisMachine(host, ['http://dev.test:8080']), host);
  }
  for (const host of [
    'evil.example:8080',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '',
    'a b',
    '192.0.2.1',
  ]) {
    assert.ok(!namesThisMachine(host, ['http://dev.test:8080']), host);
  }
});
