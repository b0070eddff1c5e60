import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Finding } from './finding.ts';

const LIMIT_MS = 10_000;

/** What `nvidia-smi` says, a line a GPU; null where there is none. */
export async function nvidiaGpus(command = 'nvidia-smi'): Promise<string | null> {
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'];
  return promisify(execFile)(command, query, { timeout: LIMIT_MS }).then(
    ({ stdout }) => stdout.trim() || null,
    () => null,
  );
}

export function examineGpu(nvidia: string | null, platform: string = process.platform): Finding[] {
  const base = { area: 'machine', name: 'GPU' };
  if (nvidia !== null) {
    const found = nvidia.split('\n').map((line) => {
      const [name = '', memory = '', driver = ''] = line.split(',').map((part) => part.trim());
      return `${name}, ${memory}, driver ${driver}`;
    });
    return [{ ...base, verdict: 'good', found: found.join('\n') }];
  }
  if (platform === 'darwin')
    return [{ ...base, verdict: 'good', found: "Apple's, by WebGPU or CoreML; see providers" }];
  const advice = 'the embedded engine needs none; MuseTalk in real time does';
  return [
    {
      ...base,
      verdict: 'note',
      found: 'no NVIDIA driver answers; another GPU may work by WebGPU, see providers',
      advice,
    },
  ];
}
