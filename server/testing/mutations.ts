import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Seconds that each fuzz test runs; the environment variable FUZZ_SECONDS asks for more (CI: 60). */
export const FUZZ_SECONDS = Number(process.env.FUZZ_SECONDS ?? 1.5);

/** Files of a folder with an ending: where mutations start from. An input that once broke something is added there. */
export function readCorpus(folder: string, ending: string): Buffer[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => readFileSync(join(folder, name)));
}

/** What a fuzz test starts from. */
export interface FuzzInputs {
  readonly corpus: readonly Buffer[];
  /** Pieces that mutations put in: what the format gives a meaning to. */
  readonly words: readonly string[];
  /** Which mutations; told when one fails, and set to get the same ones again. */
  readonly seed: number;
}

/** Another seed each time, or the one of the environment variable FUZZ_SEED. */
function anySeed(): number {
  return Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
}

/**
 * Gives `tryOut` every input of the corpus, then mutations of them, for {@link FUZZ_SECONDS}.
 * @throws {Error} with the input as base64, to be added to the corpus, if `tryOut` throws.
 */
export function fuzzBytes(
  corpus: readonly Buffer[],
  words: readonly string[],
  tryOut: (input: Buffer) => void,
  seed = anySeed(),
): number {
  let count = 0;
  for (const input of inputs({ corpus, words, seed })) {
    count += 1;
    try {
      tryOut(input);
    } catch (cause) {
      throw broken(input, seed, cause);
    }
  }
  return count;
}

/** As {@link fuzzBytes}, one input after the other. */
export async function fuzzBytesAsync(
  corpus: readonly Buffer[],
  words: readonly string[],
  tryOut: (input: Buffer) => Promise<void>,
  seed = anySeed(),
): Promise<void> {
  for (const input of inputs({ corpus, words, seed })) {
    try {
      await tryOut(input);
    } catch (cause) {
      throw broken(input, seed, cause);
    }
  }
}

function* inputs({ corpus, words, seed }: FuzzInputs): Generator<Buffer> {
  const random = randomNumbers(seed);
  const endMs = performance.now() + FUZZ_SECONDS * 1000;
  yield* corpus;
  while (performance.now() < endMs) yield mutated(corpus, words, random);
}

function broken(input: Buffer, seed: number, cause: unknown): Error {
  const shown = input.subarray(0, 3000).toString('base64');
  return new Error(`An input of seed ${seed} breaks it: ${shown}\n${String(cause)}`, { cause });
}

function mutated(corpus: readonly Buffer[], words: readonly string[], random: (below: number) => number): Buffer {
  let bytes = Buffer.from(corpus[random(corpus.length)]);
  for (let left = 1 + random(4); left > 0; left -= 1) {
    const at = random(bytes.length + 1);
    const until = Math.min(bytes.length, at + random(32));
    switch (random(7)) {
      case 0:
        if (bytes.length > 0) bytes[at % bytes.length] ^= 1 << random(8);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(until)]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, until), bytes.subarray(at)]);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(words[random(words.length)]), bytes.subarray(until)]);
        break;
      case 4:
        bytes = Buffer.from(bytes.subarray(0, at));
        break;
      case 5: {
        const other = corpus[random(corpus.length)];
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(random(other.length + 1))]);
        break;
      }
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([random(256)]), bytes.subarray(at)]);
    }
  }
  return bytes;
}

/** Whole numbers from 0 to below that are the same for the same seed (mulberry32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
