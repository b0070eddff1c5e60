import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const FOLDER = new URL('../server/avatars/', import.meta.url);
/** The kernels, `<name>.as.ts`, beside which they are committed as `<name>.wasm`. */
export const KERNELS = ['warp/warp', 'living/move'] as const;
export type Kernel = (typeof KERNELS)[number];

/** The kernel as it is committed. */
export function kernelBinary(kernel: Kernel): URL {
  return new URL(`${kernel}.wasm`, FOLDER);
}

/** Compiles a kernel. Needs the development dependencies. */
export async function compileKernel(kernel: Kernel): Promise<Uint8Array> {
  const asc = await import('assemblyscript/asc');
  const source = readFileSync(new URL(`${kernel}.as.ts`, FOLDER), 'utf8');
  let binary: Uint8Array | null = null;
  const { error, stderr } = await asc.main(
    [
      'kernel.ts',
      '--outFile',
      'kernel.wasm',
      '-O3',
      '--converge',
      '--noAssert',
      '--runtime',
      'stub',
      '--enable',
      'simd',
    ],
    {
      readFile: (name) => (name === 'kernel.ts' ? source : null),
      writeFile: (name, contents) => {
        if (name === 'kernel.wasm' && typeof contents !== 'string') binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || binary === null)
    throw new Error(`${kernel}.as.ts does not compile: ${stderr.toString()}`, { cause: error });
  return binary;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const kernel of KERNELS) {
    const binary = await compileKernel(kernel);
    writeFileSync(kernelBinary(kernel), binary);
    process.stdout.write(`server/avatars/${kernel}.wasm: ${binary.length} bytes\n`);
  }
}
