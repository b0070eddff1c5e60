import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../server/errors.ts';
import { PROVIDER_IDS, type ProviderId } from '../server/models/execution-providers.ts';
import { Figures } from './bench/figures.ts';
import { KeptArrays } from './parity/kept-arrays.ts';
import { compare } from './parity/parity.ts';

const HELP = `Usage: npm run parity [-- --models <folder> --reference <folder>] [--provider <id>] [--json]

Compares every step of the musetalk engine with what the libraries of MuseTalk make of the same sound and frames.

  --models     Graphs of MuseTalk (default: the narrow ones that tests use)
  --reference  What scripts/export/reference.py wrote, by the same weights (default: that of the narrow graphs)
  --provider   What computes: ${PROVIDER_IDS.join(', ')} (default: cpu)
  --json       End with one line of JSON

Ends with 1 if a figure misses its goal.`;

const TESTING = resolve(import.meta.dirname, '../server/testing');

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      models: { type: 'string' },
      reference: { type: 'string' },
      provider: { type: 'string', default: 'cpu' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const provider = PROVIDER_IDS.find((id) => id === values.provider);
  if (!provider)
    throw new AppError(
      'config_invalid',
      `--provider must be one of ${PROVIDER_IDS.join(', ')}, got ${values.provider}`,
    );
  const providers: readonly ProviderId[] = [provider];
  const reference = await KeptArrays.read(resolve(values.reference ?? `${TESTING}/musetalk-parity`));
  const modelsFolder = resolve(values.models ?? `${TESTING}/musetalk-narrow`);
  console.log(
    `parity: ${modelsFolder} on ${provider} against ${reference.index.model}, weights: ${reference.index.weights}`,
  );
  const figures = new Figures('parity');
  await compare(reference, { modelsFolder, executionProviders: providers, threads: 0, remoteUrl: null }, figures);
  console.log(`\n${figures.table()}`);
  if (values.json) console.log(`\n${figures.json()}`);
  return figures.hold ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    console.error(error instanceof AppError ? error.message : error);
    process.exitCode = 1;
  },
);
