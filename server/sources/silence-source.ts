import type { Source, SourceRead } from './source.ts';

const SILENCE: SourceRead = { kind: 'silence', arrivedMs: Number.NaN };
const END: SourceRead = { kind: 'end', arrivedMs: Number.NaN };

/** Gives silence until it is closed. */
export class SilenceSource implements Source {
  readonly bufferedMs = 0;
  #isClosed = false;

  read(out: Float32Array): SourceRead {
    out.fill(0);
    return this.#isClosed ? END : SILENCE;
  }

  clear(): void {}

  close(): void {
    this.#isClosed = true;
  }
}
