import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { flatPicture, lumaPsnrDb, movingPicture } from '../testing/moving-picture.ts';
import type { Frame } from './frame.ts';
import { probe, type ReadOptions, readPictures } from './media-file.ts';
import { encodeJpeg, fromRgb, writePng } from './picture.ts';
import { writeVideo } from './video-file-writer.ts';

const FILM = Array.from({ length: 50 }, (_, i) => movingPicture(i, 192, 128));
let folder: string;
let film: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'media-'));
  film = join(folder, 'film.mp4');
  await writeVideo(film, { widthPx: 192, heightPx: 128, framesPerSecond: 25, crf: 16 }, FILM);
});
after(() => rm(folder, { recursive: true }));

async function read(
  path: string,
  widthPx: number,
  heightPx: number,
  more: Partial<ReadOptions> = {},
): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of readPictures(path, { widthPx, heightPx, framesPerSecond: 25, ...more })) frames.push(frame);
  return frames;
}

test('a video comes back picture by picture as it was written', async () => {
  const frames = await read(film, 192, 128);
  assert.equal(frames.length, 50);
  for (const [i, frame] of frames.entries()) assert.ok(lumaPsnrDb(frame, FILM[i]) > 38, `picture ${i}`);
});

test('a video is scaled to cover the wanted size and cut in the middle', async () => {
  // Left third black, middle third grey, right third white: a square cut from the middle has no distortion to hide.
  const bars = flatPicture(16, 128, 128, 192, 64);
  for (let y = 0; y < 64; y++) bars.data.fill(126, y * 192 + 64, y * 192 + 128).fill(235, y * 192 + 128, (y + 1) * 192);
  const path = join(folder, 'bars.mp4');
  await writeVideo(path, { widthPx: 192, heightPx: 64, framesPerSecond: 25, crf: 5 }, [bars]);
  const [square] = await read(path, 128, 128);
  assert.deepEqual([square.widthPx, square.heightPx], [128, 128]);
  for (const at of [5, 64, 122])
    assert.ok(Math.abs(square.data[64 * 128 + at] - 126) < 6, `${square.data[64 * 128 + at]} at ${at}`);
  const [wide] = await read(path, 128, 64);
  assert.ok(wide.data[5] < 30 && Math.abs(wide.data[64] - 126) < 6 && wide.data[122] > 220);
});

test('50 and 12.5 fps become 25 fps of the same length', async () => {
  for (const [framesPerSecond, count] of [
    [50, 50],
    [12.5, 13],
  ]) {
    const path = join(folder, `${framesPerSecond}.mp4`);
    await writeVideo(path, { widthPx: 192, heightPx: 128, framesPerSecond, crf: 16 }, FILM.slice(0, count));
    const frames = await read(path, 192, 128);
    assert.equal(frames.length, Math.round((count / framesPerSecond) * 25));
    assert.ok(lumaPsnrDb(frames[4], FILM[Math.round((4 / 25) * framesPerSecond)]) > 35);
  }
});

test('a large JPEG of a name without a meaning is recognised', async () => {
  const path = join(folder, 'upload');
  const frame = movingPicture(5, 1024, 1024);
  await writeFile(path, await encodeJpeg(frame));
  const [read1] = await read(path, 1024, 1024);
  assert.ok(lumaPsnrDb(read1, frame) > 38);
  await writeFile(`${path}.jpg`, await encodeJpeg(frame));
  const [read2] = await read(`${path}.jpg`, 1024, 1024);
  assert.deepEqual(read2.data, read1.data);
});

test('a photo whose EXIF data says that it was taken turned comes out upright', async () => {
  const upright = flatPicture(40, 128, 128, 192, 128);
  for (let y = 0; y < 64; y++) upright.data.fill(200, y * 192, y * 192 + 96);
  const jpeg = await encodeJpeg(upright);
  const path = join(folder, 'exif.jpg');
  await writeFile(path, Buffer.concat([jpeg.subarray(0, 2), EXIF_TURNED, jpeg.subarray(2)]));
  const [{ data }] = await read(path, 128, 192);
  assert.ok(data[10 * 128 + 110] > 180 && data[10 * 128 + 10] < 60 && data[180 * 128 + 10] < 60);
});

test('a JPEG, full range BT.601 inside, becomes BT.709 limited', async () => {
  const path = join(folder, 'red.jpg');
  await writeFile(path, await encodeJpeg(flatPicture(63, 102, 240)));
  const frames = await read(path, 32, 32);
  assert.equal(frames.length, 1);
  const { data } = frames[0];
  for (const [at, expected] of [
    [0, 63],
    [32 * 32, 102],
    [32 * 40, 240],
  ]) {
    assert.ok(Math.abs(data[at] - expected) <= 3, `${data[at]} is not ${expected}`);
  }
});

test('a folder is read in natural order: 2 comes before 10, other files are passed over', async () => {
  const path = join(folder, 'pictures');
  await mkdir(path);
  for (const [name, luma] of [
    ['10.png', 200],
    ['2.png', 100],
    ['1.png', 50],
  ] as const) {
    await writePng(join(path, name), flatPicture(luma, 128, 128));
  }
  await writeFile(join(path, 'readme.txt'), 'not a picture');
  const frames = await read(path, 64, 64);
  assert.deepEqual(
    frames.map((f) => Math.round(f.data[0] / 50)),
    [1, 2, 4],
  );
  assert.deepEqual(await probe(path), {
    kind: 'folder',
    widthPx: 64,
    heightPx: 64,
    framesPerSecond: null,
    durationSeconds: null,
    codec: 'png',
  });
});

test('a recording that is marked as turned comes out upright', async () => {
  const upright = flatPicture(40, 128, 128, 192, 128);
  for (let y = 0; y < 64; y++) upright.data.fill(200, y * 192, y * 192 + 96);
  const path = join(folder, 'turned.mp4');
  await writeVideo(path, { widthPx: 192, heightPx: 128, framesPerSecond: 25, crf: 5 }, [upright]);
  const bytes = await readFile(path);
  // The matrix of the track header (ISO 14496-12 §8.3.2): to be shown a quarter turn clockwise.
  const matrix = bytes.indexOf('tkhd') + 4 + 40;
  for (const [i, value] of [0, 0x10000, 0, -0x10000, 0, 0, 128 << 16, 0, 0x40000000].entries())
    bytes.writeInt32BE(value, matrix + i * 4);
  await writeFile(path, bytes);
  const { widthPx, heightPx } = await probe(path);
  assert.deepEqual([widthPx, heightPx], [128, 192]);
  const [frame] = await read(path, 128, 192);
  // The bright quarter was at the top left; turned clockwise it is at the top right.
  assert.ok(frame.data[10 * 128 + 110] > 180, 'top right is bright');
  assert.ok(frame.data[10 * 128 + 10] < 60 && frame.data[180 * 128 + 110] < 60, 'the rest is dark');
});

test('a transparent part of a picture becomes grey', async () => {
  const path = join(folder, 'clear.png');
  await writeFile(path, CLEAR_PNG);
  const [frame] = await read(path, 16, 16);
  assert.ok(
    frame.data.every((sample) => Math.abs(sample - 126) <= 3),
    `luma ${frame.data[0]}`,
  );
});

test('probe tells a video from a picture', async () => {
  const path = join(folder, 'probe.png');
  await writePng(path, fromRgb(new Uint8Array(64 * 32 * 3), 64, 32));
  assert.deepEqual(await probe(path), {
    kind: 'picture',
    widthPx: 64,
    heightPx: 32,
    framesPerSecond: null,
    durationSeconds: null,
    codec: 'png',
  });
  assert.deepEqual(await probe(film), {
    kind: 'video',
    widthPx: 192,
    heightPx: 128,
    framesPerSecond: 25,
    durationSeconds: 2,
    codec: 'h264',
  });
});

test('reading reports progress up to 1 and stops when the signal is aborted', async () => {
  const shares: number[] = [];
  await read(film, 64, 64, { onProgress: (share) => shares.push(share) });
  assert.equal(shares.at(-1), 1);
  assert.ok(shares.every((share, i) => i === 0 || share >= shares[i - 1]));
  const control = new AbortController();
  await assert.rejects(read(film, 64, 64, { signal: control.signal, onProgress: () => control.abort() }), {
    name: 'AbortError',
  });
});

test('reading may stop early without reading the rest', async () => {
  for await (const frame of readPictures(film, { widthPx: 64, heightPx: 64, framesPerSecond: 25 })) {
    assert.equal(frame.widthPx, 64);
    break;
  }
});

test('what cannot be read is named, with what was expected and found', async () => {
  const text = join(folder, 'notes.mp4');
  await writeFile(text, 'just words, no film');
  const playlist = join(folder, 'list.mp4');
  await writeFile(playlist, `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${film}\n#EXT-X-ENDLIST\n`);
  const concat = join(folder, 'concat.mp4');
  await writeFile(concat, `ffconcat version 1.0\nfile ${film}\n`);
  const empty = join(folder, 'empty.png');
  await writeFile(empty, '');
  const emptyFolder = join(folder, 'nothing');
  await mkdir(emptyFolder);
  for (const path of [text, playlist, concat, empty, emptyFolder, join(folder, 'missing.mp4'), '/dev/zero']) {
    await assert.rejects(read(path, 64, 64), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'media_unreadable', path);
      assert.match(error.message, /expected .* found: /);
      assert.ok(error.message.includes(path));
      return true;
    });
  }
});

test('a video of more than 120 s is refused', async () => {
  const path = join(folder, 'long.mp4');
  await writeVideo(path, { widthPx: 192, heightPx: 128, framesPerSecond: 0.25, crf: 40 }, FILM.slice(0, 35));
  await assert.rejects(read(path, 64, 64), /140\.0 s of video, at most 120 s/);
});

test('a folder with a file that is no picture says which one', async () => {
  const path = join(folder, 'mixed');
  await mkdir(path);
  await writePng(join(path, '1.png'), flatPicture(50, 128, 128));
  await writeFile(join(path, '2.png'), 'oops');
  await assert.rejects(read(path, 64, 64), /2\.png cannot be used/);
});

test('files cut short or damaged at random end in pictures or in media_unreadable, never in a crash', async () => {
  const whole = await readFile(film);
  const path = join(folder, 'damaged.mp4');
  let state = 3;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let refused = 0;
  for (let round = 0; round < 60; round++) {
    const bytes = Buffer.from(whole);
    for (let i = 0; i < 1 + (round % 40); i++) bytes[random(bytes.length)] = random(256);
    await writeFile(path, bytes);
    if (round % 3 === 0) await truncate(path, random(whole.length));
    try {
      await read(path, 64, 64);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'media_unreadable', String(error));
      refused++;
    }
  }
  assert.ok(refused > 5);
});

/** 16×16 RGBA PNG of white pixels that are wholly transparent. */
const CLEAR_PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAAGklEQVR42mP4//8/AyWYYdSAUQNGDRguBgAAxa39H+whbL0AAAAASUVORK5CYII=',
  'base64',
);

/** An APP1 segment with one tag: orientation 6, to be turned a quarter clockwise (CIPA DC-008 §4.6.4). */
const EXIF_TURNED = Buffer.from('ffe1002245786966000049492a0008000000010012010300010000000600000000000000', 'hex');
