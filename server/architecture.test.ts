import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';

const SERVER = import.meta.dirname;

/** Folders of server/ that each folder may import from, besides itself and the modules at the top of server/. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  config: [],
  audio: [],
  codecs: ['audio'],
  models: [],
  avatars: ['codecs', 'models'],
  engines: ['audio', 'avatars', 'codecs', 'models'],
  scheduler: ['audio', 'avatars', 'codecs', 'engines', 'models'],
  sources: ['audio', 'codecs'],
  transports: ['audio', 'codecs'],
  session: ['audio', 'avatars', 'codecs', 'engines', 'scheduler', 'sources', 'transports'],
  render: ['audio', 'avatars', 'codecs', 'engines', 'scheduler', 'session', 'sources', 'transports'],
  doctor: ['audio', 'avatars', 'codecs', 'config', 'engines', 'http', 'models', 'render', 'scheduler', 'sources'],
  http: ['audio', 'avatars', 'codecs', 'config', 'session', 'sources', 'transports'],
};

/** Libraries that only one place may know, so that swapping one touches that place alone. */
const DOORS: Readonly<Record<string, RegExp>> = {
  werift: /^transports\//,
  'node-av': /^codecs\//,
  'onnxruntime-node': /^models\/onnx-model\.ts$/,
  fastify: /^http\//,
  jose: /^http\/access\/session-tokens\.ts$/,
  pino: /^log/,
  '@opentelemetry/api': /^(tracing|testing\/recorded-spans)\.ts$/,
  'prom-client': /^http\/metrics\//,
  yaml: /^(config\/|http\/docs\/openapi\.ts$)/,
  'wav-decoder': /^sources\//,
  '@vladmandic/human': /^avatars\/(human-library|face-landmarks)\.ts$/,
};

function sourceFiles(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sourceFiles(path);
    return name.endsWith('.ts') && !name.endsWith('.as.ts') ? [path] : [];
  });
}

function importsOf(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/^(?:import|export)\s[^'";]*?from\s+'([^']+)'|\bimport\('([^']+)'\)/gm)].map(
    (match) => match[1] ?? match[2],
  );
}

const files = sourceFiles(SERVER).map((path) => ({ path, name: relative(SERVER, path) }));

test('imports point one way: each folder knows only those to the left of it', () => {
  const wrong: string[] = [];
  for (const { path, name } of files.filter((file) => !file.name.endsWith('.test.ts'))) {
    const folder = name.includes('/') ? name.split('/')[0] : '';
    if (folder === '' || folder === 'testing') continue;
    assert.ok(MAY_IMPORT[folder], `server/${folder} is not a folder of the architecture; say what it may import`);
    for (const target of importsOf(path).filter((specifier) => specifier.startsWith('.'))) {
      const targetName = relative(SERVER, join(path, '..', target));
      const targetFolder = targetName.includes('/') ? targetName.split('/')[0] : '';
      if (targetFolder === '' || targetFolder === folder || MAY_IMPORT[folder].includes(targetFolder)) continue;
      wrong.push(`${name} imports ${targetName}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('each heavy library is known in one place only', () => {
  const wrong: string[] = [];
  for (const { path, name } of files.filter((file) => !file.name.endsWith('.test.ts'))) {
    for (const specifier of importsOf(path)) {
      const library = Object.keys(DOORS).find((known) => specifier === known || specifier.startsWith(`${known}/`));
      if (library && !DOORS[library].test(name)) wrong.push(`${name} imports ${library}`);
    }
  }
  assert.deepEqual(wrong, []);
});
