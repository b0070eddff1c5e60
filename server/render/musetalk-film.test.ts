import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { avatarFrame } from '../avatars/avatar.ts';
import { AvatarStore } from '../avatars/avatar-store.ts';
import { FacePreparation } from '../avatars/musetalk/face-preparation.ts';
import { facePath, PreparedFace, readFaceManifest } from '../avatars/musetalk/prepared-face.ts';
import type { Frame } from '../codecs/frame.ts';
import { readPictures } from '../codecs/media-file.ts';
import { writeVideo } from '../codecs/video-file-writer.ts';
import { silentLog } from '../log.ts';
import { Metrics } from '../metrics.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import { loadWav } from '../sources/wav-file.ts';
import { NARROW_FOLDER } from '../testing/musetalk-narrow.ts';
import { renderSpeech } from './render-speech.ts';

const SAM = resolve(import.meta.dirname, '../../avatars/sam');
const FORMAT = { widthPx: 512, heightPx: 512, framesPerSecond: 25 };
const FRAME_SAMPLES = 1920;
const SILENT_FRAMES = 25;
const SPOKEN_FRAMES = 50;
const MODELS = { modelsFolder: NARROW_FOLDER, executionProviders: ['cpu'], threads: 1, remoteUrl: null } as const;

const folder = mkdtempSync(join(tmpdir(), 'film-'));
after(() => rmSync(folder, { recursive: true }));

async function* everyFourth(count: number): AsyncGenerator<Frame> {
  let index = 0;
  for await (const frame of readPictures(join(SAM, 'idle_0.mp4'), FORMAT)) {
    if (index % 4 === 0) yield frame;
    if (++index === 4 * count) return;
  }
}

test('from a video to a face that MuseTalk lets speak: only within its box, and not at all in silence', async (t) => {
  const videoFile = join(folder, 'sam.mp4');
  await writeVideo(videoFile, { ...FORMAT, crf: 12 }, everyFourth(8));
  const faces = new FacePreparation(MODELS);
  const shares: number[] = [];
  const entry = { id: 'sam', name: 'Sam', preparation: true, bboxShiftPx: 0, videoPath: '', videoFile, audioClips: {} };
  const store = await AvatarStore.open([entry], {
    preparedFolder: folder,
    onProgress: (_id, share) => shares.push(share),
    complete: faces.prepare.bind(faces),
  });
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => a - b),
    'progress goes on where the first preparation ended',
  );
  assert.equal(shares.at(-1), 1);
  const [avatar] = store.list();
  const engine = { id: 'musetalk', moduleUrl: null, settings: { musetalk: MODELS } };
  const metrics = new Metrics();
  const scheduler = await Scheduler.open({ engine, workers: 1, avatars: [avatar], log: silentLog(), metrics });
  t.after(() => scheduler.close());

  const samples = new Float32Array((SILENT_FRAMES + SPOKEN_FRAMES) * FRAME_SAMPLES);
  const speech = await loadWav(join(SAM, 'hello.wav'));
  samples.set(speech.subarray(0, SPOKEN_FRAMES * FRAME_SAMPLES), SILENT_FRAMES * FRAME_SAMPLES);
  const film: Frame[] = [];
  const writeFrame = async (frame: Frame) => void film.push({ ...frame, data: frame.data.slice() });
  await renderSpeech({ avatar, samples, scheduler, film: { writeFrame, writeAudio: async () => {} } });

  const path = facePath(avatar.folder ?? '');
  const manifest = await readFaceManifest(path);
  assert.ok(manifest);
  const face = await PreparedFace.read(path, manifest.clips[0], manifest);
  const changed = film.map((frame, index) => changedLuma(frame, avatarFrame(avatar, avatar.clips[0], index)));
  for (const [index, { inside, outside }] of changed.entries()) {
    const { box } = face.at(index);
    assert.equal(outside(box), 0, `frame ${index} changed outside of its box`);
    if (index < SILENT_FRAMES - 8) assert.equal(inside(box), 0, `frame ${index} is silent`);
  }
  const spoken = changed
    .slice(SILENT_FRAMES + 10)
    .filter(({ inside }, i) => inside(face.at(SILENT_FRAMES + 10 + i).box) > 2000);
  assert.ok(spoken.length > 30, `${spoken.length} of 40 frames have a new mouth`);
});

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Counts pixels whose luma is another one. */
function changedLuma({ data, widthPx, heightPx }: Frame, base: Frame) {
  const at: number[] = [];
  for (let i = 0; i < widthPx * heightPx; i++) if (data[i] !== base.data[i]) at.push(i);
  const isIn = (i: number, { left, top, right, bottom }: Box) => {
    const [x, y] = [i % widthPx, Math.floor(i / widthPx)];
    return x >= left && x < right && y >= top && y < bottom;
  };
  return {
    inside: (box: Box) => at.filter((i) => isIn(i, box)).length,
    outside: (box: Box) => at.filter((i) => !isIn(i, box)).length,
  };
}
