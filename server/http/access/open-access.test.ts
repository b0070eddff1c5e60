import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings } from '../../config/config.ts';
import type { Settings } from '../../config/settings.ts';
import { hashOfKey } from './api-key.ts';
import { isLoopback, openAccess } from './open-access.ts';

const KEY = {
  id: 'kiosk',
  sha256: hashOfKey('mc_test'),
  scope: 'speak' as const,
  maxSessions: null,
  maxRequestsPerSecond: null,
};

function settingsWith(host: string, access: Partial<Settings['access']> = {}, trustProxy = false): Settings {
  const settings = defaultSettings();
  return { ...settings, http: { ...settings.http, host, trustProxy }, access: { ...settings.access, ...access } };
}

test('on localhost everybody is let in, unless keys are required', async () => {
  const { access } = openAccess(settingsWith('localhost', { keys: [KEY] }), {});
  assert.equal(access.isRequired, false);
  assert.equal((await access.admit(undefined, 'admin')).subject, 'anyone');
  assert.equal(openAccess(settingsWith('localhost', { required: true, keys: [KEY] }), {}).access.isRequired, true);
});

test('elsewhere, and behind a proxy, keys are required unless that is switched off in so many words', () => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org']) {
    assert.equal(openAccess(settingsWith(host, { keys: [KEY] }), {}).access.isRequired, true, host);
    assert.equal(openAccess(settingsWith(host, { required: false }), {}).access.isRequired, false, host);
  }
  assert.equal(openAccess(settingsWith('localhost', { keys: [KEY] }, true), {}).access.isRequired, true);
});

test('a server that others reach does not start without keys, and says what to do', () => {
  const advice = /nothing says who may use.*npm run api-key.*access\.required: false/;
  assert.throws(() => openAccess(settingsWith('0.0.0.0'), {}), { code: 'config_invalid', message: advice });
  assert.throws(() => openAccess(settingsWith('localhost', {}, true), {}), { code: 'config_invalid', message: advice });
  assert.throws(() => openAccess(settingsWith('localhost', { required: true }), {}), { message: /there are no keys/ });
});

test('two servers with the same secret take each other’s tokens, with secrets of their own they do not', async () => {
  const env = { MUSECAST_TOKEN_SECRET: 'shared by all the servers of this house' };
  const settings = settingsWith('0.0.0.0', { keys: [KEY] });
  const token = await openAccess(settings, env).tokens.issue({ subject: 'kiosk', scope: 'view', sessionId: null }, 60);
  assert.equal((await openAccess(settings, env).access.admit(token, 'view')).subject, 'kiosk');
  await assert.rejects(openAccess(settings, {}).access.admit(token, 'view'), { code: 'unauthorized' });
});

test('a secret that is too short is refused without being shown', () => {
  assert.throws(
    () => openAccess(settingsWith('localhost'), { MUSECAST_TOKEN_SECRET: 'hunter2' }),
    (error: Error) => /at least 32 characters, got 7/.test(error.message) && !error.message.includes('hunter2'),
  );
});

test('loopback has many names', () => {
  for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '127.1.2.3', '::1', '[::1]', '::ffff:127.0.0.1']) {
    assert.ok(isLoopback(host), host);
  }
  for (const host of ['0.0.0.0', '::', '127.example.org', '1.127.0.0.1', 'localhost.example.org', '10.0.0.1']) {
    assert.ok(!isLoopback(host), host);
  }
});
