import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { AppError } from '../errors.ts';
import { readCommandLine } from './command-line.ts';
import { defaultSettings, loadConfig } from './config.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
  mkdirSync(join(folder, 'configs/inference'), { recursive: true });
  writeFileSync(join(folder, 'configs/inference/realtime.yaml'), 'anna:\n  video_path: anna.mp4\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

const load = (...args: string[]) => loadConfig(readCommandLine(args), folder);
const writeSettings = (text: string) => writeFileSync(join(folder, 'configs/server.yaml'), text);

function problems(run: () => unknown): string {
  let message = '';
  assert.throws(run, (error) => {
    assert.ok(error instanceof AppError && error.code === 'config_invalid', String(error));
    message = error.message.replaceAll(`${folder}/`, '');
    return true;
  });
  return message;
}

test('without a settings file the defaults hold', () => {
  const { settings } = load();
  assert.deepEqual(settings.limits, defaultSettings().limits);
  assert.equal(settings.http.port, 8080);
});

test('the settings file overrides the defaults, and the command line overrides the file', () => {
  writeSettings('http:\n  port: 9000\n  host: 0.0.0.0\nlog:\n  level: warn\n');
  assert.deepEqual(
    [load().settings.http.port, load().settings.http.host, load().settings.log.level],
    [9000, '0.0.0.0', 'warn'],
  );
  const { settings } = load('--port', '9001', '--host', '::1', '--verbose');
  assert.deepEqual([settings.http.port, settings.http.host, settings.log.level], [9001, '::1', 'debug']);
});

test('a section whose lines are all commented out means its defaults', () => {
  writeSettings('http:\n#  port: 9000\n');
  assert.equal(load().settings.http.port, 8080);
});

test('all mistakes of the settings file are told together, each with path, expectation and finding', () => {
  writeSettings(
    [
      'http: {port: "80a", hosts: x, tls: {key: a.pem}}',
      'engine: {compute_budget_ms: 12}',
      'limits: [1]',
      'webrtc: {ice_servers: [{urls: "http://x"}], port_range: [5000, 4000]}',
      'maxSessions: 3',
    ].join('\n'),
  );
  assert.equal(
    problems(() => load()),
    [
      'configs/server.yaml has 8 problem(s):',
      '  http.port must be a whole number from 0 to 65535, got "80a" (default: 8080)',
      '  http.tls.certificate is missing; it must be a path',
      '  http.hosts is not a setting; known here: host, port, cors_origins, trust_proxy, tls, max_message_bytes',
      '  webrtc.ice_servers[0].urls must be a stun:, stuns:, turn: or turns: address, or a list of such, got "http://x"',
      '  webrtc.port_range must be two ports [min, max] from 1024 to 65535, min below max, got [ 5000, 4000 ]',
      '  limits must hold names with values, got [ 1 ]',
      '  engine.compute_budget_ms must be a multiple of 5 from 10 to 1000, got 12 (default: 20)',
      '  maxSessions is not a setting; known here: log, http, access, webrtc, limits, engine, video, audio, frame_service, media',
    ].join('\n'),
  );
});

test('a setting in camelCase is refused with the right spelling', () => {
  writeSettings('limits: {maxSessions: 3}');
  assert.match(
    problems(() => load()),
    /limits\.maxSessions is not a setting; did you mean max_sessions\?/,
  );
});

test('a number written as text is refused, not converted', () => {
  writeSettings('limits: {max_sessions: "3"}');
  assert.match(
    problems(() => load()),
    /limits\.max_sessions must be a whole number from 0 to 10000, got "3"/,
  );
});

test('a syntax error is told with line and column', () => {
  writeSettings('http:\n  port: 80\n  host: [a\n');
  assert.match(
    problems(() => load()),
    /configs\/server\.yaml has \d problem\(s\):\n {2}line 4, column 1: /,
  );
});

test('a key that stands twice is a mistake', () => {
  writeSettings('http: {port: 1, port: 2}');
  assert.match(
    problems(() => load()),
    /line 1, column 17: Map keys must be unique/,
  );
});

test('a settings file that was asked for must exist', () => {
  assert.match(
    problems(() => load('--server-config', 'no.yaml')),
    /no\.yaml does not exist/,
  );
});

test('relative paths start from the given folder', () => {
  writeSettings('http: {tls: {key: k.pem, certificate: /etc/c.pem}}\nlog: {file: null}\nmedia: {folders: [m]}\n');
  const { settings, avatars } = load();
  assert.deepEqual(settings.http.tls, { key: join(folder, 'k.pem'), certificate: '/etc/c.pem' });
  assert.deepEqual(settings.media.folders, [join(folder, 'm')]);
  assert.equal(settings.log.file, null);
  assert.equal(avatars[0].videoFile, join(folder, 'anna.mp4'));
});
