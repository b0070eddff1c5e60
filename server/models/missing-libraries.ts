import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** How long the linker may look for the libraries of one file, ms. */
const LDD_LIMIT_MS = 10_000;
/** What CUDA needs beside the runtime; npm cannot bring it, because it is too large. */
const CUDA_FILES = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'] as const;

const INSTALL_CUDA =
  'get it with: node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12';
const INSTALL_TOOLKIT =
  'install the CUDA 12 runtime and cuDNN 9 (for example by the image nvidia/cuda:12.x-cudnn-runtime-ubuntu22.04, or the pip wheels nvidia-*-cu12 on LD_LIBRARY_PATH)';

/** Folder of the runtime's libraries for this machine. */
export function runtimeFolder(): string {
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  return join(dirname(entry), '../bin/napi-v6', process.platform, process.arch);
}

/** Why CUDA cannot work here, as far as files tell, and what to do; null if nothing is missing. Linux only knows more. */
export async function missingForCuda(folder = runtimeFolder()): Promise<string | null> {
  const absent = CUDA_FILES.filter((name) => !existsSync(join(folder, name)));
  if (absent.length > 0) return `${absent.join(' and ')} not beside the runtime in ${folder}; ${INSTALL_CUDA}`;
  const missing = await missingLibraries(join(folder, CUDA_FILES[1]));
  return missing.length > 0 ? `missing libraries: ${missing.join(', ')}; ${INSTALL_TOOLKIT}` : null;
}

/** Shared libraries that a library needs and this machine does not have; empty where nobody can say. */
export async function missingLibraries(path: string): Promise<readonly string[]> {
  if (process.platform !== 'linux') return [];
  // `ldd` answers 1 for a file that it cannot read; then the runtime's own message has to do.
  const { stdout } = await promisify(execFile)('ldd', [path], { timeout: LDD_LIMIT_MS }).catch(() => ({ stdout: '' }));
  return notFound(stdout);
}

/** The names in the output of `ldd` that it did not find. */
export function notFound(text: string): readonly string[] {
  const names = [...text.matchAll(/^\s*(\S+) => not found$/gm)].map((match) => match[1]);
  return [...new Set(names)];
}
