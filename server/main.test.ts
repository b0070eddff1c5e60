import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { writePng } from './codecs/picture.ts';
import { flatPicture } from './testing/moving-picture.ts';

const folder = mkdtempSync(join(tmpdir(), 'main-'));
const MAIN = join(import.meta.dirname, 'main.ts');

before(() => {
  mkdirSync(join(folder, 'configs/inference'), { recursive: true });
  writeFileSync(join(folder, 'configs/inference/realtime.yaml'), 'anna: {video_path: anna.mp4}\n');
  writeFileSync(
    join(folder, 'configs/server.yaml'),
    'engine: {id: static, workers: 1}\nmedia: {prepared_folder: prepared}\n',
  );
});
after(() => rmSync(folder, { recursive: true, maxRetries: 10 }));

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs to the end. */
async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = start(...args);
  let out = '';
  let err = '';
  child.stdout?.on('data', (text) => {
    out += text;
  });
  child.stderr?.on('data', (text) => {
    err += text;
  });
  const [code] = await once(child, 'close');
  return { code, out, err };
}

test('--help shows every flag and ends well', async () => {
  const { code, out, err } = await run('--help');
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /--skip-checks/);
});

test('an unknown flag ends with code 1 and no stack', async () => {
  const { code, err } = await run('--prot', '1');
  assert.equal(code, 1);
  assert.match(err, /Unknown option '--prot'/);
  assert.doesNotMatch(err, /\n\s+at /);
});

test('a wrong configuration ends with code 1, all mistakes and no stack', async () => {
  writeFileSync(join(folder, 'wrong.yaml'), 'http: {port: x}\nlimits: {max: 1}\n');
  const { code, err } = await run('--server-config', 'wrong.yaml');
  assert.equal(code, 1);
  assert.match(err, /wrong\.yaml has 2 problem\(s\):\n {2}http\.port .*\n {2}limits\.max .*\n$/);
});

test('failed checks end with code 1, all of them told, and no stack', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address && typeof address === 'object');
  const { code, err } = await run('--host', '127.0.0.1', '--port', String(address.port));
  server.close();
  assert.equal(code, 1);
  assert.match(err, /Avatar anna: video_path anna\.mp4 does not exist/);
  assert.match(err, new RegExp(`Port ${address.port} of 127\\.0\\.0\\.1 cannot be opened: another program has it`));
  assert.doesNotMatch(err, /\n\s+at /);
});

test('when no avatar can be used the server says why and ends with code 1', async () => {
  const { code, err } = await run('--skip-checks', '--host', '127.0.0.1', '--port', '0');
  assert.equal(code, 1);
  assert.match(err, /No avatar can be used\.\nFailed to initialize avatar anna: .*anna\.mp4 does not exist/);
  assert.doesNotMatch(err, /\n\s+at /);
});

test('a video without a face ends with code 1 and says which avatar, which frame and what to do', async () => {
  await writePng(join(folder, 'wall.png'), flatPicture(120, 128, 128, 256, 256));
  writeFileSync(join(folder, 'wall.yaml'), 'wall: {video_path: wall.png}\n');
  const { code, err } = await run('--config', 'wall.yaml', '--host', '127.0.0.1', '--port', '0');
  assert.equal(code, 1);
  assert.match(err, /Failed to initialize avatar wall: .*no face found in .*wall.png.*bbox_shift/s);
  assert.doesNotMatch(err, /\n\s+at /);
});

test('it listens while it prepares, logs to standard output and file alike, and ends well within 5 s of SIGTERM', async () => {
  writeFileSync(join(folder, 'slow.yaml'), `sam: {video_path: ${join(import.meta.dirname, '../avatars/sam')}}\n`);
  const child = start('--config', 'slow.yaml', '--host', '127.0.0.1', '--port', '0', '--verbose');
  const [line] = await once(child.stdout!, 'data');
  const { url } = JSON.parse(String(line).split('\n')[0]);
  assert.equal((await fetch(`${url}/health`)).status, 200);
  const startedMs = performance.now();
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
  assert.ok(performance.now() - startedMs < 5000);
  assert.match(readFileSync(join(folder, 'musetalk_webrtc.log'), 'utf8'), /"msg":"listening; .*"msg":"stopped"/s);
});
