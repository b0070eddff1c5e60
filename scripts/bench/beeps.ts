import { SAMPLE_RATE_HZ } from '../../server/audio/pcm.ts';
import type { Source, SourceRead } from '../../server/sources/source.ts';

const TONE_HZ = 1000;
const AMPLITUDE = 0.5;
/** Two frames. */
const BEEP_SAMPLES = 0.08 * SAMPLE_RATE_HZ;

/** Writes what a beep at every multiple of `periodSamples` sounds like from media time `startSample` on. */
export function writeBeeps(out: Float32Array, startSample: number, periodSamples: number): void {
  for (let i = 0; i < out.length; i += 1) {
    const at = (startSample + i) % periodSamples;
    out[i] = at < BEEP_SAMPLES ? AMPLITUDE * Math.sin((2 * Math.PI * TONE_HZ * at) / SAMPLE_RATE_HZ) : 0;
  }
}

/** Beeps for 80 ms at each whole second of media time, so that exactly the two frames that begin there have sound. */
export class BeepSource implements Source {
  readonly bufferedMs = 0;
  #state: 'open' | 'closed' = 'open';

  read(out: Float32Array, startSample: number): SourceRead {
    if (this.#state === 'closed') {
      out.fill(0);
      return { kind: 'end', arrivedMs: Number.NaN };
    }
    writeBeeps(out, startSample, SAMPLE_RATE_HZ);
    return { kind: 'sound', arrivedMs: Number.NaN };
  }

  clear(): void {}

  close(): void {
    this.#state = 'closed';
  }
}

/** A tone without end, for interrupting. */
export class ToneSource implements Source {
  readonly bufferedMs = 0;
  #state: 'open' | 'closed' = 'open';

  read(out: Float32Array, startSample: number): SourceRead {
    for (let i = 0; i < out.length; i += 1) {
      out[i] = AMPLITUDE * Math.sin((2 * Math.PI * TONE_HZ * (startSample + i)) / SAMPLE_RATE_HZ);
    }
    return { kind: this.#state === 'closed' ? 'end' : 'sound', arrivedMs: Number.NaN };
  }

  clear(): void {
    this.#state = 'closed';
  }

  close(): void {
    this.#state = 'closed';
  }
}

/** A wav file (48 kHz, mono, 16 bit) that repeats without a seam: `count` beeps, `periodMs` apart. */
export function beepWav(count: number, periodMs: number): Buffer {
  const periodSamples = Math.round((periodMs * SAMPLE_RATE_HZ) / 1000);
  const samples = new Float32Array(count * periodSamples);
  writeBeeps(samples, 0, periodSamples);
  const data = Buffer.alloc(samples.length * 2);
  samples.forEach((sample, i) => {
    data.writeInt16LE(Math.round(sample * 32_767), i * 2);
  });
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + data.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20); // PCM
  header.writeUInt16LE(1, 22); // mono
  header.writeUInt32LE(SAMPLE_RATE_HZ, 24);
  header.writeUInt32LE(SAMPLE_RATE_HZ * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(data.length, 40);
  return Buffer.concat([header, data]);
}
