import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AvatarStore } from '../../server/avatars/avatar-store.ts';
import { type Frame, frameSizeBytes } from '../../server/codecs/frame.ts';
import { readPictures } from '../../server/codecs/media-file.ts';
import { writeVideo } from '../../server/codecs/video-file-writer.ts';
import { AskedProcess } from './asked-process.ts';
import type { Bench, BenchRun } from './bench.ts';
import { atMost } from './figures.ts';
import { measureBeside } from './prepare-beside.ts';
import { MachineLoad } from './processes.ts';

const AVATARS = join(import.meta.dirname, '../../avatars');
const PHOTO = join(AVATARS, 'mark/portrait.png');
const CLIP = join(AVATARS, 'mark/idle_0.mp4');
const FILM_FRAMES = 250;
const FILM_FRAMES_QUICK = 75;
const FILM = { widthPx: 1280, heightPx: 720, framesPerSecond: 25, crf: 18 } as const;

export interface PrepareRequest {
  readonly name: 'prepare';
  readonly path: string;
}

export interface PrepareFigures {
  /** With their times in ms, in order. */
  readonly stages: readonly (readonly [stage: string, ms: number])[];
  /** Most memory that the process had in RAM. */
  readonly peakMb: number;
}

/**
 * How long a photo and a 720p video of 10 s take until somebody can talk through them, what memory that takes, and whether those who
 * talk meanwhile notice.
 */
export const prepare: Bench = {
  name: 'prepare',
  summary: 'from a photo or a video to an avatar: how long it takes, how much memory, and whether others notice',
  run: async (run) => {
    const folder = await mkdtemp(join(tmpdir(), 'prepare-bench-'));
    run.atEnd(() => rm(folder, { recursive: true, force: true }));
    const film = join(folder, 'film.mp4');
    await writeVideo(film, FILM, wide(run.isQuick ? FILM_FRAMES_QUICK : FILM_FRAMES));
    const load = new MachineLoad();
    await measure(run, folder, 'photo', PHOTO, 5);
    await measure(run, folder, 'video', film, 30);
    await measureBeside(run, folder, PHOTO, film);
    run.say(`${load.describe()}; whatever else runs comes before preparations, which have low priority`);
  },
};

async function measure({ figures }: BenchRun, folder: string, name: string, path: string, goalSeconds: number) {
  const startedMs = performance.now();
  const entry = { id: name, name, preparation: true, bboxShiftPx: 0, videoPath: path, videoFile: path, audioClips: {} };
  const store = await AvatarStore.open([entry], { preparedFolder: folder });
  figures.add(`${name} to avatar in memory`, (performance.now() - startedMs) / 1000, 's', atMost(goalSeconds));
  store.close();
  const child = new AskedProcess<PrepareRequest>(join(import.meta.dirname, 'prepare-process.ts'));
  try {
    const { stages, peakMb } = (await child.ask({ name: 'prepare', path })) as PrepareFigures;
    for (const [stage, ms] of stages) figures.add(`${name}: ${stage}`, ms, 'ms');
    figures.add(`${name}: peak memory of the process`, peakMb, 'MB', atMost(600));
  } finally {
    await child.stop();
  }
}

/** A demo clip again and again, in the middle of wide grey pictures. */
async function* wide(count: number): AsyncGenerator<Frame> {
  const { widthPx, heightPx } = FILM;
  const size = { widthPx: heightPx, heightPx, framesPerSecond: FILM.framesPerSecond };
  for (let made = 0; made < count; ) {
    for await (const square of readPictures(CLIP, size)) {
      if (made++ === count) return;
      const data = new Uint8Array(frameSizeBytes(widthPx, heightPx)).fill(128);
      let [from, to] = [0, 0];
      for (const scale of [1, 2, 2]) {
        const [side, width] = [heightPx / scale, widthPx / scale];
        for (let row = 0; row < side; row++) {
          const at = to + row * width + (width - side) / 2;
          data.set(square.data.subarray(from + row * side, from + (row + 1) * side), at);
        }
        from += side * side;
        to += side * width;
      }
      yield { widthPx, heightPx, data };
    }
  }
}
