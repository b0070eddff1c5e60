import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { PROVIDER_IDS, type ProviderId } from '../models/execution-providers.ts';
import { missingForCuda } from '../models/missing-libraries.ts';
import type { Finding } from './finding.ts';
import type { Trial } from './provider-trial.ts';

const TRIAL = join(import.meta.dirname, 'provider-trial.ts');
const TRIAL_LIMIT_MS = 90_000;
/** More than rounding, far less than a wrong layout. */
const MOST_LEVELS = 2;
/** A GPU pays more for each run than the processor, and less for what is in it; not so much more. */
const SLOW = 5;
/** How much of a provider's own words is told. */
const MAX_REASON = 400;

/** Tries a provider in a process of its own. Never fails. */
export async function tryProvider(provider: ProviderId): Promise<Trial> {
  const missing = provider === 'cuda' && process.platform === 'linux' ? await missingForCuda() : null;
  if (missing !== null) return { refusal: missing };
  return new Promise((resolve) => {
    execFile(process.execPath, [TRIAL, provider], { timeout: TRIAL_LIMIT_MS }, (error, stdout, stderr) => {
      resolve(error ? { refusal: reasonOf(error, stderr) } : (JSON.parse(stdout) as Trial));
    });
  });
}

/** What is told of providers that `known` to the runtime, and of those that it does not know. */
export async function examineProviders(
  known: readonly string[],
  trial: (provider: ProviderId) => Promise<Trial> = tryProvider,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const provider of PROVIDER_IDS) {
    const outcome = known.includes(provider) ? await trial(provider) : null;
    findings.push({ area: 'providers', name: provider, ...verdictOn(provider, outcome) });
  }
  return findings;
}

function verdictOn(provider: ProviderId, outcome: Trial | null): Pick<Finding, 'verdict' | 'found' | 'advice'> {
  // Without the processor nothing computes; everything else is faster, not needed.
  const otherwise = provider === 'cpu' ? 'bad' : 'note';
  if (outcome === null) {
    return { verdict: otherwise, found: `not in the runtime for ${process.platform} ${process.arch}` };
  }
  if ('refusal' in outcome) {
    const [found, ...advice] = outcome.refusal.split('; ');
    return { verdict: otherwise, found: `refused: ${found}`, advice: advice.join('; ') || undefined };
  }
  const { levels, runMs, processorMs } = outcome;
  const figures = `answers differ from the processor's by ${levels.toFixed(2)} levels of 255`;
  if (!(levels <= MOST_LEVELS)) {
    return { verdict: otherwise, found: `computes wrongly: ${figures}; it is not used`, advice: 'update the driver' };
  }
  const found = `computes rightly (${figures}), ${runMs.toFixed(1)} ms for a small network`;
  if (provider === 'cpu' || runMs < SLOW * processorMs) return { verdict: 'good', found };
  const advice = 'it may be a GPU in software; if so, leave it out of engine.musetalk.execution_providers';
  return { verdict: 'note', found: `${found}, the processor ${processorMs.toFixed(1)} ms`, advice };
}

function reasonOf(error: Error & { killed?: boolean; signal?: string | null }, stderr: string): string {
  if (error.killed) return `no answer within ${TRIAL_LIMIT_MS / 1000} s`;
  if (error.signal) return `its driver or library crashed (${error.signal})`;
  return (stderr.trim().split('\n').at(-1) ?? error.message).slice(0, MAX_REASON);
}
