import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AppError } from '../errors.ts';
import { loadWav } from './wav-file.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wav-'));
});
after(() => rm(folder, { recursive: true }));

interface Recording {
  readonly tag?: number;
  readonly bits: number;
  readonly rateHz: number;
  readonly channels: readonly Float32Array[];
  /** Chunks before the sound. */
  readonly extra?: Buffer;
  readonly dataBytes?: number;
}

/** A wav file, written straight from the format's description. */
function wav({ tag = 1, bits, rateHz, channels, extra = Buffer.alloc(0), dataBytes }: Recording): Buffer {
  const isExtensible = tag === 0xfffe;
  const format = Buffer.alloc(isExtensible ? 40 : 16);
  format.writeUInt16LE(tag, 0);
  format.writeUInt16LE(channels.length, 2);
  format.writeUInt32LE(rateHz, 4);
  format.writeUInt32LE((rateHz * channels.length * bits) / 8, 8);
  format.writeUInt16LE((channels.length * bits) / 8, 12);
  format.writeUInt16LE(bits, 14);
  if (isExtensible) format.writeUInt16LE(1, 24);
  const data = Buffer.alloc((channels.length * channels[0].length * bits) / 8);
  let at = 0;
  for (let n = 0; n < channels[0].length; n += 1) {
    for (const channel of channels) {
      const value = channel[n];
      if (tag === 3) data.writeFloatLE(value, at);
      else if (bits === 8) data.writeUInt8(Math.round(value * 127) + 128, at);
      else data.writeIntLE(Math.round(value * (2 ** (bits - 1) - 1)), at, bits / 8);
      at += bits / 8;
    }
  }
  const head = (name: string, bytes: number) => {
    const chunk = Buffer.alloc(8);
    chunk.write(name, 'latin1');
    chunk.writeUInt32LE(bytes, 4);
    return chunk;
  };
  const body = [
    Buffer.from('WAVE'),
    head('fmt ', format.length),
    format,
    extra,
    head('data', dataBytes ?? data.length),
    data,
  ];
  return Buffer.concat([head('RIFF', Buffer.concat(body).length), ...body]);
}

const tone = (rateHz: number, seconds = 0.5) =>
  Float32Array.from({ length: rateHz * seconds }, (_, n) => 0.5 * Math.sin((2 * Math.PI * 440 * n) / rateHz));

async function load(recording: Recording | Buffer): Promise<Float32Array> {
  const path = join(folder, `${Math.random()}.wav`);
  await writeFile(path, Buffer.isBuffer(recording) ? recording : wav(recording));
  return loadWav(path);
}

/** Largest difference from the 440 Hz tone at 48 kHz, away from the edges. */
function worstError(found: Float32Array): number {
  const wanted = tone(48_000);
  assert.equal(found.length, wanted.length);
  let worst = 0;
  for (let n = 2000; n < wanted.length - 2000; n += 1) worst = Math.max(worst, Math.abs(found[n] - wanted[n]));
  return worst;
}

for (const [bits, tag, error] of [
  [8, 1, 0.01],
  [16, 1, 1e-4],
  [24, 1, 1e-5],
  [32, 1, 1e-6],
  [32, 3, 1e-6],
  [16, 0xfffe, 1e-4],
]) {
  test(`a ${bits} bit file of format ${tag} gives its sound`, async () => {
    const worst = worstError(await load({ bits, tag, rateHz: 48_000, channels: [tone(48_000)] }));
    assert.ok(worst < error, `${worst}`);
  });
}

for (const rateHz of [8_000, 16_000, 22_050, 44_100, 96_000]) {
  test(`a file at ${rateHz} Hz comes back at 48 kHz`, async () => {
    assert.ok(worstError(await load({ bits: 16, rateHz, channels: [tone(rateHz)] })) < 2e-4);
  });
}

test('channels are mixed to their mean', async () => {
  const left = tone(48_000).map((value) => value * 1.5);
  const right = tone(48_000).map((value) => value * 0.5);
  assert.ok(worstError(await load({ bits: 16, rateHz: 48_000, channels: [left, right] })) < 1e-4);
});

test('chunks before the sound are skipped, odd ones with their padding', async () => {
  const extra = Buffer.from('LIST\x03\x00\x00\x00abc\x00', 'latin1');
  assert.ok(worstError(await load({ bits: 16, rateHz: 48_000, channels: [tone(48_000)], extra })) < 1e-4);
});

test('a streamed file that gives no true size is read to its end', async () => {
  const found = await load({ bits: 16, rateHz: 48_000, channels: [tone(48_000)], dataBytes: 0xffffffff });
  assert.ok(worstError(found) < 1e-4);
});

test('a float file with values out of range, or that are no numbers, gives -1..1', async () => {
  const found = await load({ tag: 3, bits: 32, rateHz: 48_000, channels: [Float32Array.of(7, -7, Number.NaN, 0.25)] });
  assert.deepEqual([...found], [1, -1, 0, 0.25]);
});

const refused = (path: RegExp) => (error: unknown) =>
  error instanceof AppError && error.code === 'media_unreadable' && path.test(error.message);

test('a file that does not exist is refused with its path', async () => {
  await assert.rejects(loadWav(join(folder, 'nowhere.wav')), refused(/nowhere\.wav: the file cannot be opened/));
});

test('a file that is no wav is refused with what to do', async () => {
  await assert.rejects(load(Buffer.from('ID3 something else entirely')), refused(/no wav file.*ffmpeg/));
  await assert.rejects(load(Buffer.alloc(0)), refused(/no wav file/));
});

test('a compressed wav is refused with what was found', async () => {
  await assert.rejects(
    load({ tag: 6, bits: 8, rateHz: 8_000, channels: [tone(8_000)] }),
    refused(/found format 6, 8 bit, 1 channel\(s\), 8000 Hz/),
  );
});

test('a file without sound is refused', async () => {
  const whole = wav({ bits: 16, rateHz: 48_000, channels: [tone(48_000)] });
  await assert.rejects(load(whole.subarray(0, 36)), refused(/no "data" chunk/));
  await assert.rejects(load(whole.subarray(0, 44)), refused(/"data" chunk is empty/));
});

test('a file of more than ten minutes is refused before its sound is read', async () => {
  const recording = wav({ bits: 8, rateHz: 4_000, channels: [new Float32Array(4_000 * 601)] });
  await assert.rejects(load(recording), refused(/at most 600 s were expected, found 601 s/));
});
