import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { defaultSettings } from '../config/config.ts';
import type { Settings } from '../config/settings.ts';
import { capacityOf, expectMusetalk } from './capacity.ts';
import type { Finding } from './finding.ts';
import { examineCodecs, examinePage } from './page.ts';

const DAY_MS = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
const tls = { key: join(folder, 'key.pem'), certificate: join(folder, 'certificate.pem') };

before(() => {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', tls.key];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', tls.certificate, '-days', '30', '-subj', '/CN=localhost'], {
    stdio: 'ignore',
  });
});
after(() => rmSync(folder, { recursive: true }));

function examined(http: Partial<Settings['http']>, nowMs = Date.now(), access: Partial<Settings['access']> = {}) {
  const settings = defaultSettings();
  const changed = { ...settings, http: { ...settings.http, ...http }, access: { ...settings.access, ...access } };
  return Object.fromEntries(examinePage(changed, {}, nowMs).map((finding) => [finding.name, finding]));
}

test('a certificate is good, then soon to be renewed, then over', () => {
  assert.equal(examined({ tls }).certificate.verdict, 'good');
  assert.match(examined({ tls }).certificate.found, /^valid until .* \((29|30) days\)$/);
  const soon = examined({ tls }, Date.now() + 20 * DAY_MS).certificate;
  assert.deepEqual([soon.verdict, soon.advice], ['note', 'renew it']);
  const over = examined({ tls }, Date.now() + 40 * DAY_MS).certificate;
  assert.equal(over.verdict, 'bad');
  assert.match(over.found, /ended on/);
});

test('browsers give the microphone to HTTPS and to this machine, and behind a proxy it depends', () => {
  assert.equal(examined({ tls }).microphone.verdict, 'good');
  assert.equal(examined({ host: 'localhost' }).microphone.verdict, 'good');
  assert.match(examined({ trustProxy: true, host: '0.0.0.0' }).microphone.found, /if the proxy in front speaks HTTPS/);
  const open = examined({ host: '0.0.0.0' }).microphone;
  assert.equal(open.verdict, 'note');
  assert.match(open.advice ?? '', /set http\.tls/);
});

test('a server for everybody without keys is bad, because it would not start', () => {
  assert.equal(examined({}).access.found, 'everybody who gets there may use it');
  const refused = examined({ host: '0.0.0.0' }).access;
  assert.equal(refused.verdict, 'bad');
  assert.match(refused.found, /npm run api-key/);
  const keys = [
    { id: 'me', sha256: '0'.repeat(64), scope: 'speak', maxSessions: null, maxRequestsPerSecond: null },
  ] as const;
  assert.equal(examined({ host: '0.0.0.0' }, Date.now(), { keys }).access.found, 'clients need a key');
});

test('codecs that are missing are bad', () => {
  assert.equal(examineCodecs()[0].verdict, 'good');
  assert.equal(examineCodecs(['the encoder libx264 is missing'])[0].verdict, 'bad');
});

test('sessions follow from the CPU time of a picture and the number of cores', () => {
  assert.match(
    capacityOf(4, 2).found,
    /^about 13 talking sessions: 4\.0 ms of CPU a picture over 4 s of speech, 2 cores/,
  );
  assert.match(capacityOf(4, 16).found, /^about 104 talking sessions/);
  assert.equal(capacityOf(100, 1).verdict, 'note');
});

test('MuseTalk is expected on the fastest provider that computes rightly, and without one not in real time', () => {
  const finding = (name: string, verdict: Finding['verdict']): Finding => ({
    area: 'providers',
    name,
    verdict,
    found: '',
  });
  const none = expectMusetalk([finding('cuda', 'note'), finding('webgpu', 'note'), finding('cpu', 'good')]);
  assert.match(none.found, /^none in real time/);
  const some = expectMusetalk([finding('cuda', 'note'), finding('webgpu', 'good'), finding('cpu', 'good')]);
  assert.match(some.found, /it would compute on webgpu$/);
});
