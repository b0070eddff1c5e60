import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkModels, checkStart, checkTls } from './checks.ts';
import type { AvatarSettings } from './config/avatars-file.ts';
import { type Config, defaultSettings } from './config/config.ts';
import { MUSETALK_MANIFEST } from './models/fetch/musetalk-manifest.ts';

const folder = mkdtempSync(join(tmpdir(), 'checks-'));
const file = (name: string) => join(folder, name);

before(() => {
  writeFileSync(file('anna.mp4'), '');
  for (const name of ['one', 'two']) {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`];
    execFileSync('openssl', ['req', '-x509', ...key, '-out', `${name}.pem`, '-days', '2', '-subj', '/CN=localhost'], {
      cwd: folder,
      stdio: 'ignore',
    });
  }
});
after(() => rmSync(folder, { recursive: true }));

const anna: AvatarSettings = {
  id: 'anna',
  name: 'Anna',
  preparation: true,
  bboxShiftPx: 0,
  videoPath: 'anna.mp4',
  videoFile: file('anna.mp4'),
  audioClips: {},
};

function configWith(avatar: Partial<AvatarSettings> = {}, port = 0): Config {
  const settings = defaultSettings();
  return {
    settings: { ...settings, http: { ...settings.http, host: '127.0.0.1', port } },
    avatars: [{ ...anna, ...avatar }],
  };
}

test('a server with all it needs has no problems', async () => {
  assert.deepEqual(await checkStart(configWith(), [file('anna.mp4')]), []);
});

test('everything that is wrong is told together', async () => {
  const wrong = configWith({ videoFile: file('no.mp4'), videoPath: 'no.mp4', audioClips: { hello: file('no.wav') } });
  const problems = await checkStart(wrong, [file('no.onnx')]);
  assert.equal(problems.length, 3);
  assert.match(problems[0], /^Avatar anna: video_path no\.mp4 does not exist \(looked for .*\/no\.mp4\)/);
  assert.match(problems[1], /^Avatar anna: audio clip hello does not exist \(looked for .*\/no\.wav\)/);
  assert.match(problems[2], /^Missing required model files: .*no\.onnx\n/);
});

test('missing models are listed one a line with their paths from here', () => {
  const [problem] = checkModels([join(process.cwd(), 'models/mouth.onnx'), file('two.onnx')], 'embedded');
  const lines = problem.split('\n');
  assert.equal(lines[0], 'Missing required model files: models/mouth.onnx');
  assert.match(lines[1], /^Missing required model files: .*two\.onnx$/);
  assert.match(lines[2], /The embedded engine needs them/);
});

test('where MuseTalk misses graphs, the published files that are missing too and both commands are told', () => {
  const originals = join(process.cwd(), 'models');
  const [problem] = checkModels([join(process.cwd(), 'models/musetalk/unet.onnx')], 'musetalk', originals);
  const lines = problem.split('\n');
  assert.equal(lines[0], 'Missing required model files: models/musetalk/unet.onnx');
  assert.ok(lines.includes('Missing required model files: models/musetalkV15/unet.pth'));
  assert.ok(lines.includes('Fetch them: npm run fetch-models -- musetalk'));
  assert.match(problem, /Convert them: python scripts\/export\/convert\.py --from /);
});

test('where the published files are there, only converting is left to do', () => {
  for (const { path, isOptional } of MUSETALK_MANIFEST.files) {
    if (isOptional) continue;
    mkdirSync(dirname(file(`originals/${path}`)), { recursive: true });
    writeFileSync(file(`originals/${path}`), '');
  }
  const [problem] = checkModels([file('unet.onnx')], 'musetalk', file('originals'));
  assert.equal(problem.match(/^Missing required model files: /gm)?.length, 1);
  assert.doesNotMatch(problem, /fetch-models/);
  assert.match(problem, /Convert them: /);
});

test('a port that is taken is a problem', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(address && typeof address === 'object');
  const problems = await checkStart(configWith({}, address.port), []);
  server.close();
  assert.deepEqual(problems, [
    `Port ${address.port} of 127.0.0.1 cannot be opened: another program has it. Stop that one, or choose another with --port.`,
  ]);
});

test('a key and its certificate are fine, and with the certificate of another key they are not', () => {
  assert.deepEqual(checkTls({ key: file('one.key'), certificate: file('one.pem') }), []);
  const problems = checkTls({ key: file('one.key'), certificate: file('two.pem') });
  assert.match(problems[0], /the key .*one\.key does not belong to the certificate .*two\.pem/);
});

test('a certificate whose time is over is a problem', () => {
  const inAWeekMs = Date.now() + 7 * 24 * 3600 * 1000;
  assert.match(checkTls({ key: file('one.key'), certificate: file('one.pem') }, inAWeekMs)[0], /ended on/);
});

test('files that are missing or no PEM are told each by name', () => {
  const problems = checkTls({ key: file('no.key'), certificate: file('anna.mp4') });
  assert.equal(problems.length, 2);
  assert.match(problems[0], /^http\.tls\.key must be a PEM file, .*no\.key is not: ENOENT/);
  assert.match(problems[1], /^http\.tls\.certificate must be a PEM file, .*anna\.mp4 is not: /);
});
