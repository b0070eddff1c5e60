import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignJWT, UnsecuredJWT } from 'jose';
import { hashOfKey, type KeyEntry, makeApiKey } from './api-key.ts';
import { KeyAccess } from './key-access.ts';
import { SessionTokens } from './session-tokens.ts';

const SECRET = new TextEncoder().encode('a secret that is long enough to sign');
const SPEAK = makeApiKey();
const entry = (id: string, key: string, scope: KeyEntry['scope']): KeyEntry => ({
  id,
  sha256: hashOfKey(key),
  scope,
  maxSessions: 2,
  maxRequestsPerSecond: null,
});

function make(nowMs = () => 1_000_000_000_000) {
  const tokens = new SessionTokens(SECRET, nowMs);
  return { tokens, access: new KeyAccess([entry('kiosk', SPEAK, 'speak')], tokens) };
}

test('a key is good for its own scope and those below, and its limits come along', async () => {
  const { access } = make();
  const grant = await access.admit(SPEAK, 'view');
  assert.deepEqual(grant, {
    subject: 'kiosk',
    scope: 'speak',
    credential: 'key',
    maxSessions: 2,
    maxRequestsPerSecond: null,
    sessionId: null,
  });
  await assert.rejects(access.admit(SPEAK, 'admin'), { code: 'forbidden' });
});

test('no credential, a wrong key, a short, long or strange one are all unauthorized', async () => {
  const { access } = make();
  const strange = [
    '',
    'mc_',
    makeApiKey(),
    `${SPEAK} `,
    'a.b.c',
    '…',
    'x'.repeat(100_000),
    `mc_${'x'.repeat(100_000)}`,
  ];
  for (const credential of [undefined, ...strange]) {
    await assert.rejects(access.admit(credential, 'view'), { code: 'unauthorized' });
  }
});

test('a token is good until it expires, and for no more than it says', async () => {
  let nowMs = 1_000_000_000_000;
  const { access, tokens } = make(() => nowMs);
  const token = await tokens.issue({ subject: 'kiosk', scope: 'view', sessionId: 's1' }, 60);
  const { scope, sessionId, credential, maxSessions } = await access.admit(token, 'view');
  assert.deepEqual([scope, sessionId, credential, maxSessions], ['view', 's1', 'token', 2]);
  await assert.rejects(access.admit(token, 'speak'), { code: 'forbidden', message: /the token is good for view/ });
  nowMs += 66_000;
  await assert.rejects(access.admit(token, 'view'), { code: 'unauthorized', message: /has expired/ });
});

test('a token never outgrows the key that it was made with, nor outlives it', async () => {
  const { access, tokens } = make();
  const grown = await tokens.issue({ subject: 'kiosk', scope: 'admin', sessionId: null }, 60);
  await assert.rejects(access.admit(grown, 'admin'), { code: 'forbidden' });
  const orphan = await tokens.issue({ subject: 'removed', scope: 'view', sessionId: null }, 60);
  await assert.rejects(access.admit(orphan, 'view'), { code: 'unauthorized' });
});

test('tokens of another secret, issuer or algorithm, unsigned, changed or without an end are unauthorized', async () => {
  const { access, tokens } = make();
  const nowS = 1_000_000_000;
  const sign = (change: (token: SignJWT) => SignJWT, alg = 'HS256', secret = SECRET) =>
    change(new SignJWT({ scope: 'speak' }).setProtectedHeader({ alg }).setSubject('kiosk').setIssuer('musecast')).sign(
      secret,
    );
  const good = await tokens.issue({ subject: 'kiosk', scope: 'view', sessionId: null }, 60);
  const [head, , signature] = good.split('.');
  const body = Buffer.from('{"scope":"speak","iss":"musecast","sub":"kiosk","exp":9999999999}').toString('base64url');
  const bad = [
    await sign((token) => token.setExpirationTime(nowS + 60), 'HS256', new Uint8Array(32).fill(7)),
    await sign((token) => token.setExpirationTime(nowS + 60).setIssuer('somebody')),
    await sign((token) => token.setExpirationTime(nowS + 60), 'HS512'),
    await sign((token) => token),
    new UnsecuredJWT({ scope: 'speak' })
      .setSubject('kiosk')
      .setIssuer('musecast')
      .setExpirationTime(nowS + 60)
      .encode(),
    `${head}.${body}.${signature}`,
  ];
  for (const token of bad) await assert.rejects(access.admit(token, 'view'), { code: 'unauthorized' });
  assert.equal((await access.admit(await sign((token) => token.setExpirationTime(nowS + 60)), 'speak')).scope, 'speak');
});

test('what refuses a credential never repeats it', async () => {
  const { access } = make();
  for (const credential of [makeApiKey(), 'some.secret.token']) {
    await assert.rejects(access.admit(credential, 'view'), (error: Error) => !error.message.includes(credential));
  }
});
