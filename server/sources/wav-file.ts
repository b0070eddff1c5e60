import { type FileHandle, open } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import wavDecoder from 'wav-decoder';
import { SAMPLE_RATE_HZ } from '../audio/pcm.ts';
import { RecordingResampler } from '../audio/resampler.ts';
import { AppError } from '../errors.ts';

const LONGEST_S = 600;
const MOST_CHANNELS = 8;
const HEADER_BYTES = 44;
/** Work done between two turns of the event loop: about 1 ms. */
const PIECE_SAMPLES = 4096;

const FORMAT_PCM = 1;
const FORMAT_FLOAT = 3;
const FORMAT_EXTENSIBLE = 0xfffe;

interface WavFormat {
  readonly formatTag: number;
  readonly channels: number;
  readonly sampleRateHz: number;
  readonly blockBytes: number;
  readonly bitDepth: number;
}

/**
 * Reads a wav file: 8, 16, 24 or 32 bit integers or 32 bit floats, any rate from 4 to 384 kHz, up to 8 channels, up to 10 minutes.
 * Decodes in small pieces, so that others can run meanwhile.
 *
 * @returns The mean of the channels at 48 kHz, -1..1, in a new array.
 * @throws {AppError} `media_unreadable` that says which file, what was found and what to do.
 */
export async function loadWav(path: string): Promise<Float32Array> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (cause) {
    throw unreadable(path, 'the file cannot be opened. Check its path and permissions', cause);
  }
  try {
    return await readWav(file, path);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw unreadable(path, 'reading failed. Check the file', cause);
  } finally {
    await file.close();
  }
}

async function readWav(file: FileHandle, path: string): Promise<Float32Array> {
  const { format, dataStart, dataBytes } = await findSound(file, path);
  const mono = await decodeMono(file, format, dataStart, dataBytes);
  const resampler = new RecordingResampler(mono, format.sampleRateHz, SAMPLE_RATE_HZ);
  const out = new Float32Array(resampler.length);
  for (let at = 0; at < out.length; at += PIECE_SAMPLES) {
    resampler.render(out, at, Math.min(at + PIECE_SAMPLES, out.length));
    await nextTurn();
  }
  return out;
}

/** Walks the RIFF chunks (Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0"). */
async function findSound(file: FileHandle, path: string) {
  const sizeBytes = (await file.stat()).size;
  const riff = await readBytes(file, 0, 12);
  if (riff.length < 12 || riff.toString('latin1', 0, 4) !== 'RIFF' || riff.toString('latin1', 8, 12) !== 'WAVE') {
    throw unreadable(path, `it is no wav file: a RIFF/WAVE header was expected. ${CONVERT}`);
  }
  let format: WavFormat | null = null;
  for (let at = 12; at + 8 <= sizeBytes; ) {
    const head = await readBytes(file, at, 8);
    const name = head.toString('latin1', 0, 4);
    const bytes = head.readUInt32LE(4);
    if (name === 'fmt ') format = parseFormat(await readBytes(file, at + 8, Math.min(bytes, 40)), path);
    if (name === 'data') {
      if (!format) throw unreadable(path, `its sound comes before its format. ${CONVERT}`);
      // Programs that stream write a size that is too large; the file's end decides.
      const dataBytes = Math.min(bytes, sizeBytes - at - 8);
      requireLength(path, format, dataBytes);
      return { format, dataStart: at + 8, dataBytes };
    }
    at += 8 + bytes + (bytes % 2);
  }
  throw unreadable(path, `it holds no sound: no "data" chunk was found. ${CONVERT}`);
}

function parseFormat(chunk: Buffer, path: string): WavFormat {
  if (chunk.length < 16)
    throw unreadable(path, `its format has ${chunk.length} bytes, at least 16 were expected. ${CONVERT}`);
  const tag = chunk.readUInt16LE(0);
  const format: WavFormat = {
    // The extensible form keeps the real format in the first bytes of its sub-format.
    formatTag: tag === FORMAT_EXTENSIBLE && chunk.length >= 26 ? chunk.readUInt16LE(24) : tag,
    channels: chunk.readUInt16LE(2),
    sampleRateHz: chunk.readUInt32LE(4),
    blockBytes: chunk.readUInt16LE(12),
    bitDepth: chunk.readUInt16LE(14),
  };
  const { formatTag, channels, sampleRateHz, blockBytes, bitDepth } = format;
  const isKnown =
    (formatTag === FORMAT_PCM && [8, 16, 24, 32].includes(bitDepth)) || (formatTag === FORMAT_FLOAT && bitDepth === 32);
  const found = `format ${formatTag}, ${bitDepth} bit, ${channels} channel(s), ${sampleRateHz} Hz`;
  if (!isKnown)
    throw unreadable(path, `8, 16, 24 or 32 bit PCM or 32 bit float was expected, found ${found}. ${CONVERT}`);
  if (channels < 1 || channels > MOST_CHANNELS || blockBytes !== (channels * bitDepth) / 8) {
    throw unreadable(path, `1 to ${MOST_CHANNELS} whole channels were expected, found ${found}. ${CONVERT}`);
  }
  if (sampleRateHz < 4_000 || sampleRateHz > 384_000) {
    throw unreadable(path, `a rate of 4000 to 384000 Hz was expected, found ${found}. ${CONVERT}`);
  }
  return format;
}

function requireLength(path: string, format: WavFormat, dataBytes: number): void {
  const seconds = dataBytes / format.blockBytes / format.sampleRateHz;
  if (dataBytes < format.blockBytes)
    throw unreadable(path, 'it holds no sound: its "data" chunk is empty. Record it again');
  if (seconds > LONGEST_S) {
    throw unreadable(
      path,
      `at most ${LONGEST_S} s were expected, found ${Math.ceil(seconds)} s. Cut it into shorter files`,
    );
  }
}

async function decodeMono(file: FileHandle, format: WavFormat, start: number, bytes: number): Promise<Float32Array> {
  const mono = new Float32Array(Math.floor(bytes / format.blockBytes));
  for (let at = 0; at < mono.length; at += PIECE_SAMPLES) {
    const count = Math.min(PIECE_SAMPLES, mono.length - at);
    const piece = await readBytes(file, start + at * format.blockBytes, count * format.blockBytes);
    const { channelData, length } = wavDecoder.decode.sync(plainWav(format, piece), {
      // 8 bit is unsigned with 128 as its middle, which only the other scaling keeps.
      symmetric: format.bitDepth !== 8,
    });
    for (let n = 0; n < length; n += 1) mono[at + n] = mean(channelData, n);
    await nextTurn();
  }
  return mono;
}

/** The mean of all channels at `n`. A float file may hold anything: it is limited to -1..1, and what is no number is 0. */
function mean(channels: readonly Float32Array[], n: number): number {
  let sum = 0;
  for (const channel of channels) sum += channel[n];
  const value = sum / channels.length;
  return Number.isNaN(value) ? 0 : Math.max(-1, Math.min(1, value));
}

/** A piece of sound as a wav file of its own, in the plain form that the decoder knows. */
function plainWav(format: WavFormat, sound: Buffer): ArrayBuffer {
  const wav = new ArrayBuffer(HEADER_BYTES + sound.length);
  const bytes = Buffer.from(wav);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(wav.byteLength - 8, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(format.formatTag, 20);
  bytes.writeUInt16LE(format.channels, 22);
  bytes.writeUInt32LE(format.sampleRateHz, 24);
  bytes.writeUInt32LE(format.sampleRateHz * format.blockBytes, 28);
  bytes.writeUInt16LE(format.blockBytes, 32);
  bytes.writeUInt16LE(format.bitDepth, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(sound.length, 40);
  sound.copy(bytes, HEADER_BYTES);
  return wav;
}

/** Up to `count` bytes from `position`; fewer at the end of the file. */
async function readBytes(file: FileHandle, position: number, count: number): Promise<Buffer> {
  const buffer = Buffer.alloc(count);
  const { bytesRead } = await file.read(buffer, 0, count, position);
  return buffer.subarray(0, bytesRead);
}

const CONVERT = 'Convert it, for example with `ffmpeg -i <file> -ar 48000 -ac 1 out.wav`';

function unreadable(path: string, what: string, cause?: unknown): AppError {
  return new AppError('media_unreadable', `${path}: ${what}.`, { cause });
}
