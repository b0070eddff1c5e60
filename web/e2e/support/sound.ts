import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Rate that browsers want of a file that stands for the microphone. */
const RATE_HZ = 48_000;
const AVATARS = join(import.meta.dirname, '../../../avatars');

/** Bursts of a tone, `burstMs` on and `pauseMs` off: a steady tone would be taken for noise and filtered out. */
export function toneBursts(frequencyHz: number, burstMs: number, pauseMs: number, totalMs: number): Float32Array {
  const out = new Float32Array((totalMs * RATE_HZ) / 1000);
  const periodSamples = ((burstMs + pauseMs) * RATE_HZ) / 1000;
  const burstSamples = (burstMs * RATE_HZ) / 1000;
  const rampSamples = RATE_HZ / 100;
  for (let i = 0; i < out.length; i++) {
    const at = i % periodSamples;
    if (at >= burstSamples) continue;
    const envelope = Math.min(1, at / rampSamples, (burstSamples - at) / rampSamples);
    out[i] = 0.4 * envelope * Math.sin((2 * Math.PI * frequencyHz * i) / RATE_HZ);
  }
  return out;
}

/** The first `speechMs` of an avatar's sample, then silence. */
export async function speechThenSilence(sample: string, speechMs: number, silenceMs: number): Promise<Float32Array> {
  const speech = await readSample(join(AVATARS, sample));
  const speechSamples = (speechMs * RATE_HZ) / 1000;
  const out = new Float32Array(speechSamples + (silenceMs * RATE_HZ) / 1000);
  out.set(speech.subarray(0, speechSamples));
  const rampSamples = RATE_HZ / 100;
  for (let i = 0; i < rampSamples; i++)
    out[speechSamples - 1 - i] = (out[speechSamples - 1 - i] ?? 0) * (i / rampSamples);
  return out;
}

/** Writes mono 16 bit PCM at 48 kHz. */
export async function writeWav(path: string, samples: Float32Array): Promise<void> {
  const bytes = Buffer.alloc(44 + samples.length * 2);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE_HZ, 24);
  bytes.writeUInt32LE(RATE_HZ * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(samples.length * 2, 40);
  samples.forEach((sample, i) => {
    bytes.writeInt16LE(Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), 44 + i * 2);
  });
  await writeFile(path, bytes);
}

/** Reads mono 16 bit PCM of a plain 44 byte header, and brings it to 48 kHz on straight lines between the samples. */
async function readSample(path: string): Promise<Float32Array> {
  const bytes = await readFile(path);
  const rateHz = bytes.readUInt32LE(24);
  if (bytes.toString('latin1', 36, 40) !== 'data' || bytes.readUInt16LE(22) !== 1 || bytes.readUInt16LE(34) !== 16) {
    throw new Error(`${path} must be mono 16 bit PCM with a plain header`);
  }
  const samples = (bytes.length - 44) / 2;
  const at = (i: number) => bytes.readInt16LE(44 + Math.min(i, samples - 1) * 2) / 32_768;
  const out = new Float32Array(Math.floor((samples * RATE_HZ) / rateHz));
  for (let i = 0; i < out.length; i++) {
    const place = (i * rateHz) / RATE_HZ;
    const before = Math.floor(place);
    out[i] = at(before) + (at(before + 1) - at(before)) * (place - before);
  }
  return out;
}
