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

/**
 * Gives `tryOut` every input of the corpus, then mutations of them, for {@link FUZZ_SECONDS}.
 *
 * @param words Pieces that mutations put in: what the format gives a meaning to.
 * @param seed Which mutations; told when one fails, and set to get the same ones again.
 * @throws {Error} with the input as base64, to be added to the corpus, if `tryOut` throws.
 */
export function fuzzBytes(
  corpus: readonly Buffer[],
  words: readonly string[],
  tryOut: (input: Buffer) => void,
  seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31),
): number {
  const random = randomNumbers(seed);
  const endMs = performance.now() + FUZZ_SECONDS * 1000;
  let inputs = 0;
  const check = (input: Buffer) => {
    inputs += 1;
    try {
      tryOut(input);
    } catch (cause) {
      const shown = input.subarray(0, 3000).toString('base64');
      throw new Error(`Input ${inputs} of seed ${seed} breaks it: ${shown}\n${String(cause)}`, { cause });
    }
  };
  for (const input of corpus) check(input);
  while (performance.now() < endMs) for (let i = 0; i < 50; i += 1) check(mutated(corpus, words, random));
  return inputs;
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
