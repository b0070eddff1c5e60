import type { Source, SourceRead } from './source.ts';

/** Plays a recording once, then ends. */
export class ClipSource implements Source {
  readonly bufferedMs = 0;
  #samples: Float32Array;
  #next = 0;

  /** @param samples Mono at 48 kHz, -1..1. Shared and never written, so that many sessions can play the same clip. */
  constructor(samples: Float32Array) {
    this.#samples = samples;
  }

  read(out: Float32Array): SourceRead {
    const piece = this.#samples.subarray(this.#next, this.#next + out.length);
    out.set(piece);
    out.fill(0, piece.length);
    this.#next += piece.length;
    if (piece.length === 0) return { kind: 'end', arrivedMs: Number.NaN };
    return { kind: isAllZero(piece) ? 'silence' : 'sound', arrivedMs: Number.NaN };
  }

  /** An interrupted clip does not go on. */
  clear(): void {
    this.#next = this.#samples.length;
  }

  close(): void {
    this.#samples = new Float32Array(0);
    this.#next = 0;
  }
}

function isAllZero(samples: Float32Array): boolean {
  for (let i = 0; i < samples.length; i += 1) if (samples[i] !== 0) return false;
  return true;
}
