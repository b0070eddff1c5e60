import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import type { Model, ModelTensor } from './model.ts';
import type { GraphName } from './musetalk-graphs.ts';

/** How an input is made up, so that no data is needed: see {@link madeUp}. */
interface GoldenInput {
  readonly shape: readonly number[];
  readonly seed: number;
  readonly low: number;
  readonly high: number;
}

/** Every `stride`-th value of an output, `count` of them, as float32 from byte `offset` of golden.bin on. */
interface GoldenOutput {
  readonly type: 'float32' | 'uint8';
  readonly shape: readonly number[];
  readonly offset: number;
  readonly count: number;
  readonly stride: number;
  /** One of three measures, and the most that it may be; see {@link MEASURES}. */
  readonly tolerance: Readonly<Record<string, number>>;
}

interface GoldenGraph {
  readonly inputs: Readonly<Record<string, GoldenInput>>;
  readonly outputs: Readonly<Record<string, GoldenOutput>>;
}

/** How far answers are from what was expected. */
const MEASURES: Readonly<Record<string, (found: Float32Array, expected: Float32Array) => number>> = {
  /** The largest difference by the largest expected size. */
  relative: (found, expected) =>
    largest(differences(found, expected)) / Math.max(largest(expected.map(Math.abs)), 1e-12),
  /** The mean difference of pictures' values, 0..255. */
  levels: (found, expected) => sum(differences(found, expected)) / expected.length,
  /** The share of labels that are others. */
  mismatch: (found, expected) => expected.filter((value, i) => value !== found[i]).length / expected.length,
};

/** Where the expected answers of a folder's graphs lie. */
export function goldenFiles(folder: string): readonly [json: string, bin: string] {
  return [join(folder, 'golden.json'), join(folder, 'golden.bin')];
}

/**
 * What graphs answered where they were made, to known inputs: golden.json and golden.bin of `scripts/export`. An execution
 * provider that answers otherwise computes wrongly, which has happened and shows in no error.
 */
export class Golden {
  readonly #path: string;
  readonly #graphs: Readonly<Record<string, GoldenGraph>>;
  readonly #samples: Buffer;

  private constructor(path: string, graphs: Readonly<Record<string, GoldenGraph>>, samples: Buffer) {
    this.#path = path;
    this.#graphs = graphs;
    this.#samples = samples;
  }

  /** @param folder Where the graphs lie. @throws {AppError} `model_missing`, `model_invalid` */
  static async read(folder: string): Promise<Golden> {
    const [path, samplesPath] = goldenFiles(folder);
    const read = (file: string) =>
      readFile(file).catch((cause: unknown) => {
        const advice = 'convert the graphs again, which writes it';
        throw new AppError('model_missing', `${file} cannot be read; ${advice}`, { cause });
      });
    const [text, samples] = [await read(path), await read(samplesPath)];
    let told: unknown;
    try {
      told = JSON.parse(text.toString());
    } catch (cause) {
      throw new AppError('model_invalid', `${path} must be JSON, it is not; convert the graphs again`, { cause });
    }
    if (!isGolden(told)) {
      throw new AppError(
        'model_invalid',
        `${path} must have format 1 and graphs, it has not; convert the graphs again`,
      );
    }
    return new Golden(path, told.graphs, samples);
  }

  /**
   * Runs a graph on its made-up inputs.
   *
   * @returns How its answers differ from the expected ones, with figures; null if they do not.
   * @throws {AppError} `model_invalid` if nothing is known of the graph; `engine_failed` if the run fails.
   */
  async compare(graph: GraphName, model: Model): Promise<string | null> {
    const golden = this.#graphs[graph];
    if (!golden) throw new AppError('model_invalid', `${this.#path} knows no graph ${graph}; convert the graphs again`);
    const inputs = mapValues(golden.inputs, (input) => ({ data: madeUp(input), dims: input.shape }));
    const outputs = mapValues(golden.outputs, blank);
    await model.run(inputs, outputs);
    for (const [name, output] of Object.entries(golden.outputs)) {
      const difference = this.#difference(output, outputs[name].data);
      if (difference !== null) return `${graph} computes ${name} wrongly: ${difference}`;
    }
    return null;
  }

  #difference(output: GoldenOutput, answer: Float32Array | Uint8Array): string | null {
    const { count, stride, tolerance, offset } = output;
    const expected = Float32Array.from({ length: count }, (_, i) => this.#samples.readFloatLE(offset + 4 * i));
    const found = Float32Array.from({ length: count }, (_, i) => answer[i * stride]);
    for (const [measure, most] of Object.entries(tolerance)) {
      const difference = MEASURES[measure]?.(found, expected) ?? Number.NaN;
      // Not `difference > most`: answers that are no numbers must not pass.
      if (!(difference <= most)) return `${measure} difference ${difference.toPrecision(3)}, expected at most ${most}`;
    }
    return null;
  }
}

/** `s ← (1664525·s + 1013904223) mod 2³²` from the seed on; each value is `low + (high − low)·s / 2³²`. */
export function madeUp({ shape, seed, low, high }: GoldenInput): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  let state = seed;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(1_664_525, state) + 1_013_904_223) >>> 0;
    values[i] = low + ((high - low) * state) / 2 ** 32;
  }
  return values;
}

function blank({ type, shape }: GoldenOutput): ModelTensor {
  const size = sizeOf(shape);
  return { data: type === 'uint8' ? new Uint8Array(size) : new Float32Array(size), dims: shape };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function differences(found: Float32Array, expected: Float32Array): Float32Array {
  return expected.map((value, i) => Math.abs(value - found[i]));
}

function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

function sum(values: Float32Array): number {
  return values.reduce((total, value) => total + value, 0);
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

function isGolden(value: unknown): value is { readonly graphs: Readonly<Record<string, GoldenGraph>> } {
  if (typeof value !== 'object' || value === null || !('format' in value) || !('graphs' in value)) return false;
  return value.format === 1 && typeof value.graphs === 'object' && value.graphs !== null;
}
