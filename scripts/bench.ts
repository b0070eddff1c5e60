import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench } from './bench/bench.ts';
import { Figures } from './bench/figures.ts';
import { frameService } from './bench/frame-service.ts';
import { latency } from './bench/latency.ts';
import { lips } from './bench/lips.ts';
import { mouth } from './bench/mouth.ts';
import { musetalk } from './bench/musetalk.ts';
import { prepare } from './bench/prepare.ts';
import { scheduler } from './bench/scheduler.ts';
import { seam } from './bench/seam.ts';
import { sessions } from './bench/sessions.ts';
import { soak } from './bench/soak.ts';
import { sync } from './bench/sync.ts';

const BENCHES: readonly Bench[] = [
  sync,
  latency,
  lips,
  mouth,
  seam,
  prepare,
  sessions,
  scheduler,
  musetalk,
  frameService,
  soak,
];
const PROFILE_FOLDER = 'out/profile';

const HELP = `Usage: npm run bench -- <name> [--quick] [--json] [--profile] [--models folder] [--beside file]

${BENCHES.map(({ name, summary }) => `  ${name.padEnd(14)} ${summary}`).join('\n')}

  --quick    Measure for a short time only
  --json     End with one line of JSON: {"bench","figures":[{"name","value","unit","goal","holds"}]}
  --profile  Write CPU profiles of the server to ${PROFILE_FOLDER}
  --models   Folder of other models to measure, where a bench measures some
  --beside   What torch measured on this machine (scripts/export/torch_speed.py), to put musetalk's figures next to

Ends with 1 if a figure misses its goal. Other programs on the machine spoil the figures; their share is told.`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      quick: { type: 'boolean' },
      profile: { type: 'boolean' },
      models: { type: 'string' },
      beside: { type: 'string' },
    },
  });
  const [name] = positionals;
  if (name === undefined) {
    console.log(HELP);
    return 0;
  }
  const bench = BENCHES.find((each) => each.name === name);
  if (!bench) {
    console.error(`There is no bench ${name}.\n\n${HELP}`);
    return 2;
  }
  const figures = new Figures(name);
  await runBench(bench, figures, {
    isQuick: values.quick ?? false,
    isProfiled: values.profile ?? false,
    modelsFolder: values.models === undefined ? null : resolve(values.models),
    besideFile: values.beside === undefined ? null : resolve(values.beside),
  });
  console.log(`\n${figures.table()}`);
  if (values.json) console.log(`\n${figures.json()}`);
  return figures.hold ? 0 : 1;
}

async function runBench(
  bench: Bench,
  figures: Figures,
  {
    isProfiled,
    ...given
  }: { isQuick: boolean; isProfiled: boolean; modelsFolder: string | null; besideFile: string | null },
): Promise<void> {
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  const onSignal = (): void => void closeAll().finally(() => process.exit(130));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  console.log(`${bench.name}: ${bench.summary}${given.isQuick ? ' (quick: short runs, rough figures)' : ''}`);
  try {
    await bench.run({
      figures,
      ...given,
      profileFolder: isProfiled ? resolve(PROFILE_FOLDER) : null,
      say: (line) => console.log(line),
      atEnd: (close) => closers.push(close),
    });
  } finally {
    await closeAll();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

process.exitCode = await main();
