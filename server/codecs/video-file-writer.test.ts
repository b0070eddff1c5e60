import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import { FormatContext } from 'node-av/lib';
import { movingPicture } from '../testing/moving-picture.ts';
import { VideoFileWriter, writeVideo } from './video-file-writer.ts';

const OPTIONS = { widthPx: 96, heightPx: 64, framesPerSecond: 25, crf: 20 };
const FRAMES = Array.from({ length: 25 }, (_, i) => movingPicture(i, 96, 64));
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'writer-'));
});
after(() => rm(folder, { recursive: true }));

test('an mp4 has its index in front, BT.709 tags, and picture and sound of the same length', async () => {
  const path = join(folder, 'both.mp4');
  const tone = Float32Array.from({ length: 48_000 }, (_, i) => 0.3 * Math.sin((2 * Math.PI * 440 * i) / 48_000));
  await writeVideo(path, OPTIONS, FRAMES, tone);
  const bytes = await readFile(path);
  assert.ok(bytes.indexOf('moov') < bytes.indexOf('mdat'));
  const format = new FormatContext();
  assert.ok((await format.openInput(path, null, null)) >= 0);
  assert.ok((await format.findStreamInfo(null)) >= 0);
  const video = format.streams[format.findBestStream(AVMEDIA_TYPE_VIDEO)];
  const audio = format.streams[format.findBestStream(AVMEDIA_TYPE_AUDIO)];
  const { colorSpace, colorPrimaries, colorTrc, colorRange, width } = video.codecpar;
  assert.deepEqual([colorSpace, colorPrimaries, colorTrc, colorRange, width], [1, 1, 1, 1, 96]);
  assert.deepEqual([audio.codecpar.sampleRate, audio.codecpar.channels], [48_000, 1]);
  const seconds = (stream: typeof video) => (Number(stream.duration) * stream.timeBase.num) / stream.timeBase.den;
  assert.equal(seconds(video), 1);
  assert.ok(Math.abs(seconds(audio) - 1) < 0.03, `${seconds(audio)} s of sound`);
  await format.closeInput();
});

test('frames may come from a generator, and its failure leaves no file', async () => {
  async function* broken() {
    yield FRAMES[0];
    throw new Error('camera fell over');
  }
  await assert.rejects(writeVideo(join(folder, 'broken.mp4'), OPTIONS, broken()), /camera fell over/);
  assert.ok(!(await readdir(folder)).some((name) => name.startsWith('broken')));
});

test('calls that are not awaited are carried out in order', async () => {
  const writer = await VideoFileWriter.open(join(folder, 'quick.mp4'), { ...OPTIONS, hasAudio: true });
  const calls = FRAMES.map((frame) => writer.writeFrame(frame));
  calls.push(writer.writeAudio(new Float32Array(100_000)));
  await Promise.all([...calls, writer.close(), writer.close()]);
  assert.ok((await readdir(folder)).includes('quick.mp4'));
  await assert.rejects(writer.writeFrame(FRAMES[0]), { code: 'codec_failed' });
});

test('a folder that does not exist, no pictures, and a wrong size are errors', async () => {
  await assert.rejects(writeVideo(join(folder, 'no', 'where.mp4'), OPTIONS, FRAMES), { code: 'codec_failed' });
  await assert.rejects(writeVideo(join(folder, 'none.mp4'), OPTIONS, []), /no pictures/);
  await assert.rejects(writeVideo(join(folder, 'size.mp4'), OPTIONS, [movingPicture(0, 64, 64)]), RangeError);
  await assert.rejects(writeVideo(join(folder, 'odd.mp4'), { ...OPTIONS, widthPx: 95 }, FRAMES), RangeError);
  assert.ok(!(await readdir(folder)).some((name) => name.includes('.part')));
});
