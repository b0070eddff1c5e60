import { readFileSync } from 'node:fs';
import type { MovementGrid } from './head-field.ts';
import { CUBIC_WEIGHTS, type Plane } from './resample.ts';

/** What move.as.ts exports; its comments say what the arguments mean. */
interface MoveKernel {
  readonly memory: WebAssembly.Memory;
  move(
    ...args: [
      ...[source: number, stride: number, target: number, width: number, height: number],
      ...[grid: number, columns: number, cell: number, across: number, down: number],
    ]
  ): void;
}

/** Samples that a plane goes on beyond its edge; longer movements are cut to this. */
const BORDER = 32;
const MAX_MOVEMENT = BORDER - 3;
const ACROSS_AT = 16;
const PAGE_BYTES = 65_536;

/** Moves the samples of one plane, which it keeps: some 2 ms for 512². */
export class PlaneMover {
  readonly #plane: Plane;
  readonly #unitPx: number;
  readonly #kernel: MoveKernel;
  readonly #stride: number;
  readonly #downAt: number;
  readonly #gridAt: number;
  readonly #targetAt: number;
  readonly #sourceAt: number;

  /**
   * @param plane Copied.
   * @param unitPx Pixels of the picture per sample of the plane.
   * @param grid Of the size of all that come later.
   */
  constructor(plane: Plane, unitPx: number, { columns, rows }: Pick<MovementGrid, 'columns' | 'rows'>) {
    const { data, width, height } = plane;
    const module = new WebAssembly.Module(readFileSync(new URL('./move.wasm', import.meta.url)));
    this.#kernel = new WebAssembly.Instance(module).exports as unknown as MoveKernel;
    this.#plane = plane;
    this.#unitPx = unitPx;
    this.#stride = width + 2 * BORDER;
    const phases = CUBIC_WEIGHTS.length / 4;
    this.#downAt = ACROSS_AT + phases * 16;
    this.#gridAt = this.#downAt + phases * 32;
    this.#targetAt = this.#gridAt + columns * rows * 8 + 16;
    this.#sourceAt = this.#targetAt + width * height;
    const { memory } = this.#kernel;
    const sizeBytes = this.#sourceAt + this.#stride * (height + 2 * BORDER);
    memory.grow(Math.max(0, Math.ceil((sizeBytes - memory.buffer.byteLength) / PAGE_BYTES)));
    this.#writeWeights();
    const bytes = new Uint8Array(memory.buffer);
    for (let row = -BORDER; row < height + BORDER; row++) {
      const from = Math.min(Math.max(row, 0), height - 1) * width;
      const to = this.#sourceAt + (row + BORDER) * this.#stride;
      bytes.fill(data[from], to, to + BORDER);
      bytes.set(data.subarray(from, from + width), to + BORDER);
      bytes.fill(data[from + width - 1], to + BORDER + width, to + this.#stride);
    }
  }

  /** @param out All of the moved plane. */
  move({ columns, cellPx, vectors }: MovementGrid, out: Uint8Array): void {
    const { width, height } = this.#plane;
    const limit = (samples: number) => Math.min(Math.max(samples, -MAX_MOVEMENT), MAX_MOVEMENT);
    const grid = new Float32Array(this.#kernel.memory.buffer, this.#gridAt, vectors.length);
    for (let i = 0; i < vectors.length; i++) grid[i] = limit(vectors[i] / this.#unitPx);
    const first = this.#sourceAt + BORDER * this.#stride + BORDER;
    const cell = cellPx / this.#unitPx;
    this.#kernel.move(
      ...([first, this.#stride, this.#targetAt, width, height] as const),
      ...([this.#gridAt, columns, cell, ACROSS_AT, this.#downAt] as const),
    );
    out.set(new Uint8Array(this.#kernel.memory.buffer, this.#targetAt, width * height));
  }

  #writeWeights(): void {
    const phases = CUBIC_WEIGHTS.length / 4;
    const across = new Int16Array(this.#kernel.memory.buffer, ACROSS_AT, phases * 8);
    const down = new Int32Array(this.#kernel.memory.buffer, this.#downAt, phases * 8);
    for (let i = 0; i < phases * 8; i++) {
      const phase = i >> 3;
      across[i] = CUBIC_WEIGHTS[4 * phase + (i & 3)];
      down[i] = CUBIC_WEIGHTS[4 * phase + ((i & 7) >> 1)];
    }
  }
}
