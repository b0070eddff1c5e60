import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Config, Human } from '@vladmandic/human';

/** Changes with the library and its models: what was found with another version is to be found again. */
export function faceModelsVersion(): string {
  const require = createRequire(import.meta.url);
  // The package does not export its own description.
  const path = join(dirname(require.resolve('@vladmandic/human')), '../package.json');
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return `human ${version}`;
}

/** What is not used of the library. */
export const OFF = { enabled: false } as const;

/**
 * Opens the library that sees faces and things: the one door to it. Models and code come from `node_modules`, never from a network.
 *
 * @param wanted Everything else is off. What cannot be loaded is missing in `models.models`.
 */
export async function openHuman(wanted: Partial<Config>): Promise<Human> {
  const require = createRequire(import.meta.url);
  // The package does not export its WebAssembly build, which is the one that needs no native library.
  const library = join(dirname(require.resolve('@vladmandic/human')), 'human.node-wasm.js');
  const { Human: Library } = require(library) as { Human: typeof Human };
  const human = new Library({
    backend: 'wasm',
    wasmPath: join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/'),
    wasmPlatformFetch: false,
    modelBasePath: pathToFileURL(join(dirname(library), '../models/')).href,
    debug: false,
    cacheModels: false,
    cacheSensitivity: 0,
    filter: OFF,
    gesture: OFF,
    body: OFF,
    hand: OFF,
    object: OFF,
    segmentation: OFF,
    face: OFF,
    ...wanted,
  });
  await withFilesAsFetch(() => human.load());
  return human;
}

/** Runs `load` while `fetch` reads files and nothing else: the library loads its models by `fetch`, which Node has for the web only. */
async function withFilesAsFetch(load: () => Promise<unknown>): Promise<void> {
  const webFetch = globalThis.fetch;
  globalThis.fetch = async (input) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const type = url.pathname.endsWith('.json') ? 'application/json' : 'application/octet-stream';
    return new Response(await readFile(fileURLToPath(url)), { headers: { 'content-type': type } });
  };
  try {
    await load();
  } finally {
    globalThis.fetch = webFetch;
  }
}
