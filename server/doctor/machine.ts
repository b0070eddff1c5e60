import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Finding } from './finding.ts';

/** What the machine says about itself. */
export interface MachineFacts {
  readonly nodeVersion: string;
  readonly platform: string;
  readonly arch: string;
  /** Linux without glibc (Alpine) cannot load the runtime's libraries. */
  readonly hasGlibc: boolean;
  readonly cores: number;
  readonly processor: string;
  /** What this process may use: the machine's, or less in a container. */
  readonly memoryBytes: number;
}

/** Platforms that onnxruntime-node 1.30 and node-av bring libraries for. */
const SUPPORTED = ['linux x64', 'linux arm64', 'darwin arm64', 'win32 x64', 'win32 arm64'];
const LEAST_NODE = [22, 18];
/** What the server takes with the demo avatars, and room to live. */
const LEAST_MEMORY_BYTES = 1e9;

export function machineFacts(): MachineFacts {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const limitBytes = process.constrainedMemory();
  return {
    nodeVersion: process.versions.node,
    platform: process.platform,
    arch: process.arch,
    hasGlibc: process.platform !== 'linux' || report.header?.glibcVersionRuntime !== undefined,
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryBytes: limitBytes > 0 ? Math.min(limitBytes, totalmem()) : totalmem(),
  };
}

export function examineMachine(facts: MachineFacts): Finding[] {
  const area = 'machine';
  const [major, minor] = facts.nodeVersion.split('.').map(Number);
  const isNewEnough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  const platform = `${facts.platform} ${facts.arch}`;
  const isSupported = SUPPORTED.includes(platform) && facts.hasGlibc;
  const gigabytes = `${(facts.memoryBytes / 1e9).toFixed(1)} GB`;
  return [
    {
      area,
      name: 'Node',
      verdict: isNewEnough ? 'good' : 'bad',
      found: facts.nodeVersion,
      advice: isNewEnough
        ? undefined
        : `at least ${LEAST_NODE.join('.')} is needed; npm scripts bring their own: npm run doctor`,
    },
    {
      area,
      name: 'platform',
      verdict: isSupported ? 'good' : 'bad',
      found: facts.hasGlibc ? platform : `${platform} without glibc`,
      advice: isSupported ? undefined : `libraries come for ${SUPPORTED.join(', ')}; on Linux with glibc (not Alpine)`,
    },
    { area, name: 'processor', verdict: 'good', found: `${facts.cores} cores, ${facts.processor}` },
    {
      area,
      name: 'memory',
      verdict: facts.memoryBytes >= LEAST_MEMORY_BYTES ? 'good' : 'note',
      found: gigabytes,
      advice:
        facts.memoryBytes >= LEAST_MEMORY_BYTES
          ? undefined
          : 'the demo avatars alone take 0.45 GB; use fewer or shorter avatars, or lower media.max_memory_mb',
    },
  ];
}
