import { FeatureStream } from '../../audio/feature-stream.ts';
import { MODEL_CHUNK_SAMPLES, MODEL_SAMPLE_RATE_HZ } from '../../audio/pcm.ts';
import { spec } from './embedded.ts';

/** Formants in Hz of vowels as a man says them (Peterson and Barney, 1952, table II). */
export const VOWELS = { ah: [730, 1090, 2440], ee: [270, 2290, 3010], oo: [300, 870, 2240] } as const;

/** The murmur behind closed lips. */
const MURMUR = [250, 1100, 2200];

/** Sound for tests: each piece lasts `ms` at 16 kHz; levels in dB below full scale, roughly. */
export function silence(ms: number): Float32Array {
  return new Float32Array((ms * MODEL_SAMPLE_RATE_HZ) / 1000);
}

/** A pitch that never moves is an instrument's: 5 times a second, 2.5 % up and down. */
const VIBRATO_S = 0.0008;

/** Harmonics of about 120 Hz, each as loud as a two-pole resonance at every formant makes it; breath 38 dB below; 10 ms of rise and fall. */
export function vowel(name: keyof typeof VOWELS, ms: number, levelDb = -20): Float32Array {
  const out = silence(ms);
  for (let hz = 120; hz < 5000; hz += 120) {
    const gain = VOWELS[name].reduce((product, formant) => {
      const ratio = hz / formant;
      return product / Math.hypot(1 - ratio * ratio, (ratio * 90) / formant);
    }, 120 / hz);
    for (let n = 0; n < out.length; n++) {
      const t = n / MODEL_SAMPLE_RATE_HZ;
      out[n] += gain * Math.sin(2 * Math.PI * hz * (t + VIBRATO_S * Math.sin(2 * Math.PI * 5 * t)) + hz);
    }
  }
  const breath = noise(ms, -38);
  const level = Math.sqrt(out.reduce((sum, value) => sum + value * value, 0) / out.length);
  for (let n = 0; n < out.length; n++) out[n] += level * breath[n];
  const edge = MODEL_SAMPLE_RATE_HZ / 100;
  const faded = out.map((value, n) => value * Math.min(1, n / edge, (out.length - 1 - n) / edge));
  return scaled(faded, levelDb);
}

/** A vowel, m, and the vowel again; lips are closed from 350 to 470 ms. */
export function vowelAndM(name: keyof typeof VOWELS): Float32Array {
  const open = VOWELS[name];
  const pieces = [
    glide(open, open, 300, -20),
    glide(open, MURMUR, 50, -20),
    glide(MURMUR, MURMUR, 120, -36),
    glide(MURMUR, open, 40, -20),
    glide(open, open, 300, -20),
  ];
  return Float32Array.from(pieces.flatMap((piece) => [...piece]));
}

/** The harmonics of a voice through formants that move from one place to another. */
function glide(from: readonly number[], to: readonly number[], ms: number, levelDb: number): Float32Array {
  const out = silence(ms);
  for (let hz = 120; hz < 5000; hz += 120) {
    for (let n = 0; n < out.length; n++) {
      const gain = from.reduce((product, start, k) => {
        const formant = start + ((to[k] - start) * n) / out.length;
        const ratio = hz / formant;
        return product / Math.hypot(1 - ratio * ratio, (ratio * 90) / formant);
      }, 120 / hz);
      const t = n / MODEL_SAMPLE_RATE_HZ;
      out[n] += gain * Math.sin(2 * Math.PI * hz * (t + VIBRATO_S * Math.sin(2 * Math.PI * 5 * t)) + hz);
    }
  }
  return scaled(out, levelDb);
}

/** Steady room noise: white, or falling by 3 to 6 dB per octave for `slope` 0..1. Always the same. */
export function noise(ms: number, levelDb: number, slope = 0): Float32Array {
  const out = silence(ms);
  let state = 12_345;
  let low = 0;
  for (let n = 0; n < out.length; n++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const white = state / 2 ** 31 - 1;
    low += 0.1 * (white - low);
    out[n] = (1 - slope) * white + slope * 3 * low;
  }
  return scaled(out, levelDb);
}

/** White noise without its low half: an s. */
export function hiss(ms: number, levelDb: number): Float32Array {
  const white = noise(ms, 0);
  let before = 0;
  let beforeThat = 0;
  const high = white.map((value) => {
    const filtered = value - 2 * before + beforeThat;
    beforeThat = before;
    before = value;
    return filtered;
  });
  return scaled(high, levelDb);
}

/** Feature windows of the frames that are complete. */
export function windowsOf(...pieces: Float32Array[]): Float32Array[] {
  const stream = new FeatureStream(spec.features);
  const windows: Float32Array[] = [];
  const sound = Float32Array.from(pieces.flatMap((piece) => [...piece]));
  for (let at = 0; at + MODEL_CHUNK_SAMPLES <= sound.length; at += MODEL_CHUNK_SAMPLES) {
    stream.push(sound.subarray(at, at + MODEL_CHUNK_SAMPLES));
    while (stream.isReady(windows.length)) windows.push(stream.window(windows.length));
  }
  return windows;
}

function scaled(samples: Float32Array, levelDb: number): Float32Array {
  const rms = Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
  return samples.map((value) => (value * 10 ** (levelDb / 20)) / rms);
}
