import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

/** Runs `code` in a process of its own that may collect garbage at will, and gives what it prints as JSON. */
async function inOwnProcess(code: string): Promise<{ rssMb: number[] }> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--input-type=module', '-e', code], {
    cwd: import.meta.dirname,
    timeout: 120_000,
  });
  return JSON.parse(stdout);
}

const CYCLES = `
  import { OpusDecoder } from './opus-decoder.ts';
  import { OpusEncoder } from './opus-encoder.ts';
  import { VideoEncoder } from './video-encoder.ts';
  const frame = { widthPx: 512, heightPx: 512, data: new Uint8Array(512 * 768).fill(90) };
  const rssMb = [];
  const cycle = async () => {
    for (const codec of ['H264', 'VP8']) {
      const encoder = await VideoEncoder.open({ codec, widthPx: 512, heightPx: 512, framesPerSecond: 25, bitrateBps: 500_000 });
      const calls = [];
      for (let i = 0; i < 4; i++) calls.push(encoder.encode(frame, { frameIndex: i, keyFrame: i === 2 }));
      gc();
      const closed = encoder.close();
      await Promise.all([...calls, closed]);
    }
    const encoder = await OpusEncoder.open();
    const decoder = await OpusDecoder.open();
    for (let i = 0; i < 20; i++) {
      const packet = encoder.encode(new Float32Array(960).fill(i / 40), i * 960);
      gc();
      if (decoder.decode(packet.data).length !== 960) throw new Error('lost sound');
    }
    await Promise.all([encoder.close(), decoder.close()]);
    gc();
    rssMb.push(process.memoryUsage().rss / 2 ** 20);
  };
  for (let i = 0; i < 50; i++) await cycle();
  console.log(JSON.stringify({ rssMb }));
`;

const FILES = `
  import { mkdtempSync, rmSync } from 'node:fs';
  import { tmpdir } from 'node:os';
  import { readPictures } from './media-file.ts';
  import { encodeJpeg, toRgb, writePng } from './picture.ts';
  import { writeVideo } from './video-file-writer.ts';
  const folder = mkdtempSync(tmpdir() + '/memory-');
  const frame = { widthPx: 256, heightPx: 256, data: new Uint8Array(256 * 384).fill(90) };
  const rssMb = [];
  for (let i = 0; i < 50; i++) {
    await writeVideo(folder + '/a.mp4', { widthPx: 256, heightPx: 256, framesPerSecond: 25, crf: 20 }, Array(5).fill(frame), new Float32Array(9600));
    for await (const read of readPictures(folder + '/a.mp4', { widthPx: 128, heightPx: 64, framesPerSecond: 25 })) {
      gc();
      await Promise.all([writePng(folder + '/a.png', read), encodeJpeg(read)]);
      toRgb(read);
      if (i % 3 === 0) break;
    }
    gc();
    rssMb.push(process.memoryUsage().rss / 2 ** 20);
  }
  rmSync(folder, { recursive: true });
  console.log(JSON.stringify({ rssMb }));
`;

for (const [what, code] of [
  ['50 encoders and decoders of each kind, opened, used and closed with pictures still inside,', CYCLES],
  ['50 files written, read, left half-read and turned into pictures', FILES],
]) {
  test(`${what} neither crash the process nor keep memory`, async () => {
    const { rssMb } = await inOwnProcess(code);
    assert.equal(rssMb.length, 50);
    assert.ok(rssMb[49] - rssMb[15] < 30, `grew from ${rssMb[15]} to ${rssMb[49]} MB`);
  });
}
