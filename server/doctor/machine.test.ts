import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFindings } from './finding.ts';
import { examineGpu, nvidiaGpus } from './gpu.ts';
import { examineMachine, type MachineFacts, machineFacts } from './machine.ts';

const FACTS: MachineFacts = {
  nodeVersion: '24.21.0',
  platform: 'linux',
  arch: 'x64',
  hasGlibc: true,
  cores: 4,
  processor: 'a processor',
  memoryBytes: 8e9,
};

function verdicts(change: Partial<MachineFacts>): Record<string, string> {
  return Object.fromEntries(examineMachine({ ...FACTS, ...change }).map(({ name, verdict }) => [name, verdict]));
}

test('this machine tells what it is', () => {
  const facts = machineFacts();
  assert.equal(facts.nodeVersion, process.versions.node);
  assert.ok(facts.cores >= 1 && facts.memoryBytes > 1e8);
});

test('a machine that has everything is good', () => {
  assert.deepEqual(verdicts({}), { Node: 'good', platform: 'good', processor: 'good', memory: 'good' });
});

test('an old Node, Alpine, an Intel Mac and little memory are told', () => {
  assert.equal(verdicts({ nodeVersion: '22.17.9' }).Node, 'bad');
  assert.equal(verdicts({ nodeVersion: '22.18.0' }).Node, 'good');
  assert.equal(verdicts({ nodeVersion: '26.0.0' }).Node, 'good');
  assert.equal(verdicts({ hasGlibc: false }).platform, 'bad');
  assert.equal(verdicts({ platform: 'darwin', arch: 'x64' }).platform, 'bad');
  assert.equal(verdicts({ platform: 'darwin', arch: 'arm64' }).platform, 'good');
  assert.equal(verdicts({ memoryBytes: 5e8 }).memory, 'note');
});

test('GPUs are told with memory and driver; without one that is a note, not a failure', () => {
  const [gpu] = examineGpu('NVIDIA A10, 23028 MiB, 570.86\nNVIDIA A10, 23028 MiB, 570.86', 'linux');
  assert.equal(gpu.found, 'NVIDIA A10, 23028 MiB, driver 570.86\nNVIDIA A10, 23028 MiB, driver 570.86');
  assert.equal(gpu.verdict, 'good');
  assert.equal(examineGpu(null, 'linux')[0].verdict, 'note');
  assert.match(examineGpu(null, 'darwin')[0].found, /Apple/);
});

test('a machine without the command of NVIDIA has no such GPU', async () => {
  assert.equal(await nvidiaGpus('no-such-command-here'), null);
});

test('findings are shown by area with what to do, and a sum at the end', () => {
  const text = formatFindings([
    { area: 'machine', name: 'GPU', verdict: 'note', found: 'none', advice: 'none is needed' },
    { area: 'page', name: 'certificate', verdict: 'bad', found: 'ended\nyesterday' },
    { area: 'machine', name: 'memory', verdict: 'good', found: '8 GB' },
  ]);
  assert.equal(
    text,
    [
      'machine',
      '  – GPU: none',
      '      → none is needed',
      '  ✓ memory: 8 GB',
      '',
      'page',
      '  ✗ certificate: ended',
      '      yesterday',
      '',
      'One of these keeps the server from working as configured.',
      '',
    ].join('\n'),
  );
  assert.match(formatFindings([]), /Nothing keeps the server from working\./);
});
