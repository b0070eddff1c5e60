import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { AVMEDIA_TYPE_AUDIO } from 'node-av/constants';
import { Frame as AvFrame, Packet as AvPacket, Codec, CodecContext, FormatContext } from 'node-av/lib';
import type { Avatar } from '../avatars/avatar.ts';
import { AvatarStore } from '../avatars/avatar-store.ts';
import { probe, readPictures } from '../codecs/media-file.ts';
import { VideoFileWriter } from '../codecs/video-file-writer.ts';
import { silentLog } from '../log.ts';
import { Metrics } from '../metrics.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import type { MouthReport } from '../session/mouth-reports.ts';
import { loadWav } from '../sources/wav-file.ts';
import { flatPicture } from '../testing/moving-picture.ts';
import { ContactSheet } from './contact-sheet.ts';
import { renderSpeech } from './render-speech.ts';

// Films of a demo avatar, drawn by the engine that is the default. From its portrait, which is prepared in no time.

const DEMO = resolve(import.meta.dirname, '../../avatars/sam');
let folder: string;
let avatar: Avatar;
let samples: Float32Array;
let first: Awaited<ReturnType<typeof render>>;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'film-'));
  const entry = { id: 'sam', name: 'Sam', preparation: true, bboxShiftPx: 0, videoPath: 'sam', audioClips: {} };
  const videoFile = join(DEMO, 'portrait.png');
  const store = await AvatarStore.open([{ ...entry, videoFile }], { preparedFolder: folder });
  avatar = store.get('sam');
  // From the silence before the first word into the words; not a whole number of frames.
  samples = (await loadWav(join(DEMO, 'hello.wav'))).slice(0, 60_001);
  first = await render('first.mp4');
});
after(() => rm(folder, { recursive: true }));

/** Renders with an engine of its own, as two runs of the command do. */
async function render(name: string) {
  const path = join(folder, name);
  const common = { workers: 1, avatars: [avatar], log: silentLog(), metrics: new Metrics() };
  const scheduler = await Scheduler.open({ engine: { id: 'embedded', moduleUrl: null }, ...common });
  const size = { widthPx: avatar.widthPx, heightPx: avatar.heightPx };
  const writer = await VideoFileWriter.open(path, { ...size, framesPerSecond: 25, crf: 18, hasAudio: true });
  const hashes: string[] = [];
  const mouths: MouthReport[] = [];
  try {
    await renderSpeech({
      avatar,
      samples,
      scheduler,
      film: {
        writeFrame: (frame) => {
          hashes.push(createHash('sha256').update(frame.data).digest('hex'));
          return writer.writeFrame(frame);
        },
        writeAudio: (sound) => writer.writeAudio(sound),
      },
      onMouth: (report) => mouths.push(report),
    });
    await writer.close();
  } finally {
    await scheduler.close();
  }
  return { path, hashes, mouths };
}

test('the same speech twice is the same film, bit for bit', async () => {
  const second = await render('second.mp4');
  assert.equal(first.hashes.length, 32);
  assert.deepEqual(second.hashes, first.hashes);
  assert.deepEqual(await readFile(second.path), await readFile(first.path));
  assert.deepEqual(second.mouths, first.mouths);
});

test('the mouth moves with the words, and begins closed', () => {
  // The avatar is a still picture: only a mouth that moves makes another one of it.
  assert.ok(new Set(first.hashes).size > 10, `${new Set(first.hashes).size} different pictures`);
  const jaws = first.mouths.map(({ parameters }) => parameters.jaw);
  assert.equal(jaws.length, 32);
  assert.ok(Math.max(...jaws) > 0.2, `the jaw opens to ${Math.max(...jaws)}`);
  assert.ok(first.mouths.every(({ visemes }) => Math.abs(Object.values(visemes).reduce((a, b) => a + b) - 1) < 1e-5));
  assert.equal(first.mouths[0].visemes.sil, 1);
});

test('in the file, sound and pictures begin together, and the sound lies on the recording to the sample', async () => {
  let pictures = 0;
  for await (const _frame of readPictures(first.path, { widthPx: 512, heightPx: 512, framesPerSecond: 25 }))
    pictures += 1;
  assert.equal(pictures, 32);
  const heard = await decodeSound(first.path);
  const likeness = (lag: number): number => {
    let sum = 0;
    for (let n = 1000; n < samples.length - 1000; n += 1) sum += samples[n] * heard[n + lag];
    return sum;
  };
  const lags = Array.from({ length: 101 }, (_, i) => i - 50);
  const best = lags.reduce((a, b) => (likeness(b) > likeness(a) ? b : a));
  assert.equal(best, 0);
});

test('a contact sheet shows pictures evenly over the film, each with its mouth', async () => {
  const sheet = new ContactSheet(avatar, 10);
  const { widthPx, heightPx } = avatar;
  for (let i = 0; i < 10; i += 1) sheet.add(i, flatPicture(50 + 10 * i, 128, 128, widthPx, heightPx));
  const path = join(folder, 'sheet.png');
  await writeFile(path, await sheet.png());
  assert.deepEqual(await probe(path).then(({ widthPx, heightPx }) => [widthPx, heightPx]), [4 * 512, 3 * 256]);
  for await (const { data } of readPictures(path, { widthPx: 2048, heightPx: 768, framesPerSecond: 25 })) {
    const luma = (tile: number, dx: number) => data[(Math.floor(tile / 4) * 256 + 128) * 2048 + (tile % 4) * 512 + dx];
    for (let tile = 0; tile < 10; tile += 1) {
      for (const dx of [128, 384]) assert.ok(Math.abs(luma(tile, dx) - (50 + 10 * tile)) <= 2, `tile ${tile}`);
    }
  }
});

/** The sound of an mp4 as a player hears it: sample n is heard n / 48000 s after the first picture. */
async function decodeSound(path: string): Promise<Float32Array> {
  const format = new FormatContext();
  assert.ok((await format.openInput(path, null, null)) >= 0);
  assert.ok((await format.findStreamInfo(null)) >= 0);
  const stream = format.streams[format.findBestStream(AVMEDIA_TYPE_AUDIO)];
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  assert.ok(codec);
  const context = new CodecContext();
  context.allocContext3(codec);
  context.parametersToContext(stream.codecpar);
  context.pktTimebase = stream.timeBase;
  assert.ok((await context.open2(codec, null)) >= 0);
  const packet = new AvPacket();
  packet.alloc();
  const frame = new AvFrame();
  frame.alloc();
  const heard = new Float32Array(200_000);
  for (let isEnd = false; !isEnd; ) {
    isEnd = (await format.readFrame(packet)) < 0;
    if (!isEnd && packet.streamIndex !== stream.index) {
      packet.unref();
      continue;
    }
    await context.sendPacket(isEnd ? null : packet);
    packet.unref();
    while ((await context.receiveFrame(frame)) >= 0) {
      const bytes = frame.data![0];
      const sound = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + frame.nbSamples * 4));
      heard.set(sound, Number(frame.pts));
      frame.unref();
    }
  }
  packet.free();
  frame.free();
  context.freeContext();
  await format.closeInput();
  return heard;
}
