import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const FOLDER = new URL('../server/avatars/warp/', import.meta.url);
/** The kernel as it is committed. */
export const WARP_BINARY = new URL('warp.wasm', FOLDER);

/** Compiles server/avatars/warp/warp.as.ts. Needs the development dependencies. */
export async function compileWarp(): Promise<Uint8Array> {
  const asc = await import('assemblyscript/asc');
  const source = readFileSync(new URL('warp.as.ts', FOLDER), 'utf8');
  let binary: Uint8Array | null = null;
  const { error, stderr } = await asc.main(
    ['warp.ts', '--outFile', 'warp.wasm', '-O3', '--converge', '--noAssert', '--runtime', 'stub', '--enable', 'simd'],
    {
      readFile: (name) => (name === 'warp.ts' ? source : null),
      writeFile: (name, contents) => {
        if (name === 'warp.wasm' && typeof contents !== 'string') binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || binary === null) throw new Error(`warp.as.ts does not compile: ${stderr.toString()}`, { cause: error });
  return binary;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const binary = await compileWarp();
  writeFileSync(WARP_BINARY, binary);
  process.stdout.write(`server/avatars/warp/warp.wasm: ${binary.length} bytes\n`);
}
