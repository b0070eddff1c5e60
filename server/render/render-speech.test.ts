import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frame } from '../codecs/frame.ts';
import { silentLog } from '../log.ts';
import { Metrics } from '../metrics.ts';
import type { FrameJob, FrameOutcome } from '../scheduler/frame-job.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import { FakeScheduler, fakeAvatar } from '../testing/fakes.ts';
import type { Film } from './recording.ts';
import { frameCountOf, renderSpeech } from './render-speech.ts';

const FRAME_SAMPLES = 1920;
const avatar = fakeAvatar('a');

function tone(samples: number): Float32Array {
  return Float32Array.from({ length: samples }, (_, n) => 0.4 * Math.sin((2 * Math.PI * 300 * n) / 48_000));
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Keeps the film; each write takes `slowness` turns of the event loop. */
class FakeFilm implements Film {
  readonly frames: Frame[] = [];
  readonly sound: number[] = [];
  readonly slowness: number;
  underWay = 0;
  mostUnderWay = 0;

  constructor(slowness = 0) {
    this.slowness = slowness;
  }

  async writeFrame(frame: Frame): Promise<void> {
    this.frames.push(frame);
    await this.#take();
  }

  async writeAudio(samples: Float32Array): Promise<void> {
    this.sound.push(...samples);
    await this.#take();
  }

  async #take(): Promise<void> {
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    await turns(this.slowness);
    this.underWay -= 1;
  }
}

/** Draws the frame's number, after `slowness` turns of the event loop. */
class SlowScheduler extends FakeScheduler {
  readonly #slowness: number;
  #drawn = 0;

  constructor(slowness: number) {
    super(100);
    this.#slowness = slowness;
  }

  override async submit(job: FrameJob): Promise<FrameOutcome> {
    this.#drawn += 1;
    new Uint8Array(job.picture).fill(100 + this.#drawn);
    await turns(this.#slowness);
    return 'drawn';
  }
}

function bytes(film: FakeFilm): number[] {
  return film.frames.map(({ data }) => data[0]);
}

test('a film has a picture for every 40 ms that are begun, and its sound is the recording, sample by sample', async () => {
  const film = new FakeFilm();
  const samples = tone(10 * FRAME_SAMPLES + 1);
  await renderSpeech({ avatar, samples, scheduler: new FakeScheduler(), film });
  assert.equal(frameCountOf(samples), 11);
  assert.equal(film.frames.length, 11);
  assert.equal(film.sound.length, 11 * FRAME_SAMPLES);
  assert.deepEqual(film.sound.slice(0, samples.length), [...samples]);
  assert.ok(film.sound.slice(samples.length).every((sample) => sample === 0));
});

test('an engine that takes its time is waited for: the film is the same as from one that answers at once', async () => {
  const samples = tone(50 * FRAME_SAMPLES);
  const films: FakeFilm[] = [];
  for (const slowness of [0, 1, 40]) {
    const film = new FakeFilm(slowness);
    await renderSpeech({ avatar, samples, scheduler: new SlowScheduler(slowness), film });
    films.push(film);
  }
  assert.ok(bytes(films[0]).filter((byte) => byte > 100).length > 40, 'the mouth is drawn');
  assert.deepEqual(bytes(films[1]), bytes(films[0]));
  assert.deepEqual(bytes(films[2]), bytes(films[0]));
});

test('a film that is slow to take pictures is not flooded with them', async () => {
  const film = new FakeFilm(100);
  await renderSpeech({ avatar, samples: tone(60 * FRAME_SAMPLES), scheduler: new FakeScheduler(), film });
  assert.equal(film.frames.length, 60);
  assert.ok(film.mostUnderWay <= 12, `${film.mostUnderWay} writes at once`);
  assert.equal(film.underWay, 0, 'the end waits for the last write');
});

test('the mouth lies on its sound: a flash engine is white in exactly the frames of the tone', async (t) => {
  const moduleUrl = new URL('../testing/flash-engine.ts', import.meta.url).href;
  const engine = { id: 'flash', moduleUrl };
  const common = { workers: 1, avatars: [avatar], log: silentLog(), metrics: new Metrics() };
  const scheduler = await Scheduler.open({ engine, ...common });
  t.after(() => scheduler.close());
  const samples = new Float32Array(60 * FRAME_SAMPLES);
  samples.set(tone(10 * FRAME_SAMPLES), 30 * FRAME_SAMPLES);
  const film = new FakeFilm();
  await renderSpeech({ avatar, samples, scheduler, film });
  const middle = 8 * avatar.widthPx + 8; // what an engine draws fades out towards the edge of the crop
  const white = film.frames.flatMap(({ data }, frame) => (data[middle] > 100 ? [frame] : []));
  assert.deepEqual(white, [30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
});

test('what the mouth does is told once per picture, closed ones too, and progress ends at 1', async () => {
  const heard: number[] = [];
  const shares: number[] = [];
  await renderSpeech({
    avatar,
    samples: new Float32Array(20 * FRAME_SAMPLES),
    scheduler: new FakeScheduler(),
    film: new FakeFilm(),
    onMouth: ({ frame, visemes }) => heard.push(visemes.sil === 1 ? frame : -1),
    onProgress: (share) => shares.push(share),
  });
  assert.deepEqual(heard, [...Array(20).keys()]);
  assert.equal(shares.at(-1), 1);
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => a - b),
  );
});

test('an engine that fails, a film that refuses and a stop end the render at once with their reason', async () => {
  const samples = tone(100 * FRAME_SAMPLES);
  const failing = new FakeScheduler();
  failing.automatic = 'failed';
  const film = new FakeFilm();
  await assert.rejects(renderSpeech({ avatar, samples, scheduler: failing, film }), {
    code: 'engine_failed',
    message: /^Engine fake could not draw the mouth at about 0\.\d\d s\.$/,
  });
  assert.ok(film.frames.length < 50);

  const full = new FakeFilm();
  full.writeFrame = () => Promise.reject(new Error('the disk is full'));
  const scheduler = new FakeScheduler();
  await assert.rejects(renderSpeech({ avatar, samples, scheduler, film: full }), /the disk is full/);
  assert.deepEqual(scheduler.ended, ['render'], 'the session was closed');

  const stop = new AbortController();
  const onProgress = (share: number) => share > 0.2 && stop.abort(new Error('enough'));
  const options = { avatar, samples, scheduler: new FakeScheduler(), film: new FakeFilm(), onProgress };
  await assert.rejects(renderSpeech({ ...options, signal: stop.signal }), /enough/);
  await assert.rejects(renderSpeech({ ...options, samples: new Float32Array(0) }), RangeError);
});
