import { join } from 'node:path';
import { describeError } from '../errors.ts';
import { PROVIDER_IDS, type ProviderId } from '../models/execution-providers.ts';
import { madeUp } from '../models/golden.ts';
import type { ModelTensor } from '../models/model.ts';
import { OnnxModel } from '../models/onnx-model.ts';

// Run as a process of its own with the name of a provider, because a driver that crashes must not take the doctor with it: runs a
// small network on the provider and on the processor and prints, as JSON, how far the answers are apart and how long it took.

/** Convolutions over six channels, which is where a provider was seen to be wrong. */
const MODEL = join(import.meta.dirname, '../../models/mouth-to-picture.look.onnx');
const SHAPES = { fine: [1, 32, 32, 32], middle: [1, 64, 16, 16], coarse: [1, 96, 8, 8] };
const INPUT_SHAPE = [1, 6, 64, 64];
const RUNS = 10;

/** What the process prints: an answer, or why there is none. */
export type Trial = TrialAnswer | { readonly refusal: string };

export interface TrialAnswer {
  /** Mean difference from the processor's answers, in levels of 255. */
  readonly levels: number;
  /** Of one run, once warm. */
  readonly runMs: number;
  /** The same on the processor. */
  readonly processorMs: number;
}

async function tryProvider(provider: ProviderId): Promise<TrialAnswer> {
  const planes = Uint8Array.from(madeUp({ shape: INPUT_SHAPE, seed: 1, low: 0, high: 255 }));
  const there = await answersOf(provider, planes);
  const here = await answersOf('cpu', planes);
  const apart = here.values.reduce((sum, value, i) => sum + Math.abs(value - there.values[i]), 0);
  return { levels: apart / here.values.length, runMs: there.runMs, processorMs: here.runMs };
}

async function answersOf(provider: ProviderId, planes: Uint8Array): Promise<{ values: number[]; runMs: number }> {
  const model = await OnnxModel.open(MODEL, { provider });
  const outputs: Record<string, ModelTensor> = Object.fromEntries(
    Object.entries(SHAPES).map(([name, dims]) => {
      return [name, { data: new Uint8Array(dims.reduce((product, size) => product * size, 1)), dims }];
    }),
  );
  const run = () => model.run({ planes: { data: planes, dims: INPUT_SHAPE } }, outputs);
  await run();
  const startedMs = performance.now();
  for (let i = 0; i < RUNS; i++) await run();
  const runMs = (performance.now() - startedMs) / RUNS;
  await model.close();
  return { values: Object.values(outputs).flatMap(({ data }) => [...data]), runMs };
}

const wanted = PROVIDER_IDS.find((id) => id === process.argv[2]);
if (wanted === undefined) throw new RangeError(`one of ${PROVIDER_IDS.join(', ')} is needed, got ${process.argv[2]}`);
const answer: Trial = await tryProvider(wanted).catch((error: unknown) => ({ refusal: describeError(error).message }));
process.stdout.write(JSON.stringify(answer));
