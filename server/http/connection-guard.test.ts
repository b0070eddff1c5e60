import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkOf } from './connection-guard.ts';

test('an IPv4 address is one subscriber, also where it is written as IPv6', () => {
  assert.equal(networkOf('192.0.2.1'), '192.0.2.1');
  assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1');
});

test('the 64 bits that one IPv6 subscriber has are one, the next ones another', () => {
  assert.equal(networkOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2');
  assert.equal(networkOf('2001:db8:1:2::9'), '2001:db8:1:2');
  assert.equal(networkOf('2001:db8::9'), networkOf('2001:db8:0:0:1::7'));
  assert.notEqual(networkOf('2001:db8:1:3::9'), '2001:db8:1:2');
  assert.equal(networkOf('::1'), '0:0:0:0');
  assert.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0');
});
