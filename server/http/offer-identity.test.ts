import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSameConnection } from './offer-identity.ts';

const offer = (sessionId: string, version: number, certificate: string, ufrag: string) =>
  `v=0\r\no=- ${sessionId} ${version} IN IP4 127.0.0.1\r\na=ice-ufrag:${ufrag}\r\na=fingerprint:sha-256 ${certificate}\r\n`;

const FIRST = offer('71', 2, 'AA:BB', 'abcd');

test('an ICE restart is the same connection', () => {
  assert.equal(isSameConnection(FIRST, offer('71', 3, 'AA:BB', 'wxyz')), true);
});

test('a client that makes a new session id for every offer keeps its ICE credentials', () => {
  assert.equal(isSameConnection(FIRST, offer('99', 2, 'AA:BB', 'abcd')), true);
});

test('another certificate is another connection', () => {
  assert.equal(isSameConnection(FIRST, offer('71', 2, 'CC:DD', 'abcd')), false);
});

test('a page that reuses its certificate for a new connection is seen by its session id and credentials', () => {
  assert.equal(isSameConnection(FIRST, offer('72', 2, 'AA:BB', 'wxyz')), false);
});

test('two offers without certificates are not the same', () => {
  assert.equal(isSameConnection('v=0\r\no=- 1 1 IN IP4 0\r\n', 'v=0\r\no=- 1 1 IN IP4 0\r\n'), false);
});
