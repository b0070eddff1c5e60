import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../server/config/config.ts';
import { openAccess } from '../server/http/access/open-access.ts';

const ROOT = join(import.meta.dirname, '..');

function makeKey(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/api-key.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('the printed lines, put into a keys file, admit the printed key and no other', async () => {
  const { stdout } = makeKey('--id', 'kiosk', '--scope', 'speak', '--max-sessions', '2');
  const key = /mc_[\w-]{43}/.exec(stdout)?.[0] ?? '';
  const line = /^ {2}(- \{.*\})$/m.exec(stdout)?.[1] ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'keys-'));
  try {
    writeFileSync(join(folder, 'keys.yaml'), `${line}\n`);
    writeFileSync(join(folder, 'server.yaml'), 'http: {host: 0.0.0.0}\naccess: {keys_file: keys.yaml}\n');
    writeFileSync(join(folder, 'avatars.yaml'), 'anna: {preparation: false, video_path: anna.mp4}\n');
    const commandLine = { config: 'avatars.yaml', serverConfig: 'server.yaml', verbose: false, skipChecks: false };
    const { settings } = loadConfig({ ...commandLine, help: false }, folder);
    const { access } = openAccess(settings, {});
    const grant = await access.admit(key, 'speak');
    assert.deepEqual([grant.subject, grant.scope, grant.maxSessions], ['kiosk', 'speak', 2]);
    await assert.rejects(access.admit(key, 'admin'), { code: 'forbidden' });
    await assert.rejects(access.admit(`${key.slice(0, -1)}_`, 'view'), { code: 'unauthorized' });
    assert.ok(!line.includes(key));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a wrong scope or name is told, with how to use the command', () => {
  assert.match(
    makeKey('--id', 'a b', '--scope', 'speak').stderr,
    /--id must be 1 to 64 letters.*Usage: npm run api-key/s,
  );
  const { status, stderr } = makeKey('--id', 'a', '--scope', 'root');
  assert.equal(status, 1);
  assert.match(stderr, /--scope must be one of view, speak, admin, got "root"/);
});
