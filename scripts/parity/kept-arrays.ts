import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { AppError } from '../../server/errors.ts';

const KINDS = { float32: Float32Array, int32: Int32Array, int16: Int16Array, uint8: Uint8Array } as const;
type Kind = keyof typeof KINDS;

interface Entry {
  readonly type: Kind;
  readonly shape: readonly number[];
  /** Every so many-th value was kept. */
  readonly stride: number;
  readonly count: number;
  /** Bytes from the beginning. */
  readonly offset: number;
}

interface Index {
  readonly format: number;
  readonly model: string;
  readonly weights: 'published' | 'random';
  /** Array that the masks were made of. */
  readonly masks_from: 'labels' | 'drawn_labels';
  readonly arrays: Readonly<Record<string, Entry>>;
}

/** An array that was kept, or every n-th value of one. */
export interface Kept<T> {
  readonly shape: readonly number[];
  readonly stride: number;
  readonly values: T;
}

/** What scripts/export/reference.py wrote: every step from sound and frames to frames. */
export class KeptArrays {
  readonly index: Index;
  readonly #bytes: Uint8Array;

  private constructor(index: Index, bytes: Uint8Array) {
    this.index = index;
    this.#bytes = bytes;
  }

  /** @throws {AppError} `media_not_found` if the folder does not hold them. */
  static async read(folder: string): Promise<KeptArrays> {
    try {
      const index = JSON.parse(await readFile(join(folder, 'parity.json'), 'utf8')) as Index;
      return new KeptArrays(index, new Uint8Array(gunzipSync(await readFile(join(folder, 'parity.bin.gz')))));
    } catch (cause) {
      const advice = 'Make them with scripts/export/reference.py.';
      throw new AppError('media_not_found', `${folder} must hold parity.json and parity.bin.gz. ${advice}`, { cause });
    }
  }

  has(name: string): boolean {
    return Object.hasOwn(this.index.arrays, name);
  }

  /** @throws {RangeError} if there is no such array of that type. */
  get<K extends Kind>(name: string, kind: K): Kept<InstanceType<(typeof KINDS)[K]>> {
    const entry = this.has(name) ? this.index.arrays[name] : undefined;
    if (entry?.type !== kind)
      throw new RangeError(`${name} must be kept as ${kind}, found ${entry?.type ?? 'nothing'}`);
    const { shape, stride, count, offset } = entry;
    const Values = KINDS[kind];
    const bytes = this.#bytes.slice(offset, offset + count * Values.BYTES_PER_ELEMENT);
    return { shape, stride, values: new Values(bytes.buffer) as InstanceType<(typeof KINDS)[K]> };
  }
}
