import { globSync } from 'node:fs';
import { join } from 'node:path';
import { CHUNK_MS, CHUNK_SAMPLES } from '../../server/audio/pcm.ts';
import { OpusEncoder } from '../../server/codecs/opus-encoder.ts';
import { loadWav } from '../../server/sources/wav-file.ts';

const AVATARS_FOLDER = join(import.meta.dirname, '../../avatars');
const PAUSE_MS = 400;
const QUIET_ROOM_MS = 2_000;
/** Peak of the noise of a quiet room behind a good microphone: about -65 dB of full scale (RMS). */
const ROOM_NOISE = 0.001;

/** What the avatars' sample speech sounds like as a microphone: Opus packets of 20 ms, all recordings with short pauses. */
export async function loadSpeech(): Promise<Uint8Array[]> {
  const paths = globSync('*/*.wav', { cwd: AVATARS_FOLDER }).sort();
  if (paths.length === 0) throw new Error(`this bench needs speech, found no wav files in ${AVATARS_FOLDER}`);
  const chunks: Float32Array[] = [];
  for (const path of paths) {
    chunks.push(...(await readChunks(join(AVATARS_FOLDER, path))));
    for (let ms = 0; ms < PAUSE_MS; ms += CHUNK_MS) chunks.push(roomNoise());
  }
  return encode(chunks);
}

/** An open microphone that nobody speaks into. */
export function quietRoom(): Promise<Uint8Array[]> {
  return encode(Array.from({ length: QUIET_ROOM_MS / CHUNK_MS }, roomNoise));
}

async function readChunks(path: string): Promise<Float32Array[]> {
  const samples = await loadWav(path);
  return Array.from({ length: Math.floor(samples.length / CHUNK_SAMPLES) }, (_, i) =>
    samples.subarray(i * CHUNK_SAMPLES, (i + 1) * CHUNK_SAMPLES),
  );
}

async function encode(chunks: readonly Float32Array[]): Promise<Uint8Array[]> {
  const encoder = await OpusEncoder.open();
  const packets = chunks.map((chunk, i) => encoder.encode(chunk, i * CHUNK_SAMPLES).data);
  await encoder.close();
  return packets;
}

function roomNoise(): Float32Array {
  return Float32Array.from({ length: CHUNK_SAMPLES }, () => (Math.random() * 2 - 1) * ROOM_NOISE);
}
