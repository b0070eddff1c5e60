import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { openLog } from './log.ts';

const folder = mkdtempSync(join(tmpdir(), 'log-'));
after(() => rmSync(folder, { recursive: true }));

/** Keeps what is written. */
function capture(isTTY: boolean) {
  const lines: string[] = [];
  const output = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  return { lines, output: Object.assign(output, { isTTY }) };
}

test('output that is no terminal and the file get the same JSON lines', () => {
  const { lines, output } = capture(false);
  const file = join(folder, 'new/server.log');
  const log = openLog({ level: 'info', file, output });
  log.child({ sessionId: 's' }).warn({ lateFrames: 3 }, 'engine is falling behind');
  log.debug('not this');
  assert.equal(readFileSync(file, 'utf8'), lines.join(''));
  const { time, ...line } = JSON.parse(lines[0]);
  assert.deepEqual(line, { level: 40, sessionId: 's', lateFrames: 3, msg: 'engine is falling behind' });
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000);
  assert.equal(lines.length, 1);
});

test('a terminal gets words, and an error its stack', () => {
  const { lines, output } = capture(true);
  const log = openLog({ level: 'debug', file: null, output });
  log.info({ url: 'http://localhost:8080', clip: 'two words' }, 'ready');
  log.error({ err: new Error('gone') }, 'it failed');
  const [info, error] = lines.map(stripVTControlCharacters);
  assert.match(info, /^\d\d:\d\d:\d\d info {2}ready {2}url=http:\/\/localhost:8080 clip="two words"\n$/);
  assert.match(error, /^\d\d:\d\d:\d\d error it failed\nError: gone\n {4}at /);
});

test('what is secret by its name is not written, should it be logged at all', () => {
  const { lines, output } = capture(false);
  const log = openLog({ level: 'info', file: null, output });
  log.info({ sdp: 'SECRET', token: 'SECRET', server: { credential: 'SECRET', username: 'u' } }, 'x');
  assert.doesNotMatch(lines[0], /SECRET/);
  assert.match(lines[0], /"username":"u"/);
});

test('a full disk costs the lines of the file and nothing else', { skip: !existsSync('/dev/full') }, () => {
  const { lines, output } = capture(false);
  const log = openLog({ level: 'info', file: '/dev/full', output });
  log.info('one');
  log.info('two');
  assert.equal(lines.length, 2);
});

test('a log file that cannot be written is told with what to do', () => {
  const file = join(folder, 'folder.log');
  mkdirSync(file);
  assert.throws(() => openLog({ level: 'info', file, output: capture(false).output }), {
    code: 'config_invalid',
    message: /^log\.file .*folder\.log cannot be written: EISDIR.*or to null\.$/,
  });
});
