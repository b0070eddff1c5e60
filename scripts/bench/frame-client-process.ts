/** A process full of clients of the frame service, started and told what to do by frame-clients.ts over the IPC channel. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FrameClient, type Picture } from '../../web/src/frame-client.js';
import { loadSpeech, Speaker } from '../client/speaker.ts';
import { Watch } from '../client/watch.ts';
import { Arrivals } from './arrivals.ts';
import { answerRequests } from './asked-process.ts';
import type { FrameClientFigures, FrameClientRequest } from './frame-clients.ts';
import { percentile } from './statistics.ts';

const AVATARS_FOLDER = join(import.meta.dirname, '../../avatars');
/** Clients do not all come at once, and their sound not at the same moment. */
const BETWEEN_CLIENTS_MS = 73;
const FIRST_PICTURE_LIMIT_MS = 10_000;
const PAUSE_SAMPLES = 6_400;
const TICKS_PER_MS = 90;
const PICTURE_MS = 40;
/** Multiples of it lie evenly between whole numbers, however many there are. */
const GOLDEN_RATIO = 0.618;

interface Talking {
  readonly client: FrameClient;
  readonly speaker: Speaker;
  watch: Watch;
  readonly arrivals: Arrivals;
}

const talking: Talking[] = [];
let ended = 0;
let errors = 0;
let speech: Int16Array | null = null;

async function open({ url, count, isBinary }: Extract<FrameClientRequest, { name: 'open' }>): Promise<number[]> {
  speech ??= await allSpeech();
  const firstMs: number[] = [];
  for (let i = 0; i < count; i += 1) {
    firstMs.push(await openOne(url, isBinary, speech));
    await sleep(BETWEEN_CLIENTS_MS);
  }
  return firstMs;
}

/** @returns From INIT to the first picture, ms; connecting is not part of it but takes a moment on loopback. */
async function openOne(url: string, isBinary: boolean, sound: Int16Array): Promise<number> {
  const first = Promise.withResolvers<void>();
  const limit = setTimeout(() => first.reject(new Error('no picture came')), FIRST_PICTURE_LIMIT_MS);
  let one: Talking | null = null;
  const onPicture = (picture: Picture, sizeBytes: number): void => {
    first.resolve();
    one?.watch.add(picture, sizeBytes);
    one?.arrivals.add({ arrivedMs: performance.now(), rtpTimestamp: picture.timestampMs * TICKS_PER_MS });
  };
  const askedMs = performance.now();
  const client = await FrameClient.connect(
    `${url.replace('http', 'ws')}/musetalk/v1/ws/guest`,
    { isBinary },
    {
      onPicture,
      onError: () => {
        errors += 1;
      },
      onClosed: () => {
        if (one && talking.includes(one)) ended += 1;
      },
    },
  );
  const speaker = new Speaker(client);
  one = { client, speaker, watch: new Watch(), arrivals: new Arrivals() };
  await first.promise;
  clearTimeout(limit);
  const firstMs = performance.now() - askedMs;
  talking.push(one);
  // Each begins somewhere else.
  const start = Math.floor((sound.length * (talking.length % 7)) / 7);
  const own = new Int16Array(sound.length);
  own.set(sound.subarray(start));
  own.set(sound.subarray(0, start), sound.length - start);
  void talk(one, own);
  return firstMs;
}

async function talk(one: Talking, sound: Int16Array): Promise<void> {
  const { client, speaker } = one;
  // What a client sends knows nothing of when the server's pictures begin; each meets them at another moment.
  await sleep(((talking.indexOf(one) * GOLDEN_RATIO) % 1) * PICTURE_MS);
  const clip = client.welcome.available_videos.includes('speaking_0') ? 'speaking_0' : null;
  while (talking.includes(one)) await speaker.speak(sound, clip);
}

/** All sample speech of the avatars, with short pauses. */
async function allSpeech(): Promise<Int16Array> {
  const paths = globSync('*/*.wav', { cwd: AVATARS_FOLDER }).sort();
  if (paths.length === 0) throw new Error(`this bench needs speech, found no wav files in ${AVATARS_FOLDER}`);
  const samples: number[] = [];
  for (const path of paths) {
    for (const sample of await loadSpeech(join(AVATARS_FOLDER, path))) samples.push(sample);
    for (let i = 0; i < PAUSE_SAMPLES; i += 1) samples.push(0);
  }
  return Int16Array.from(samples);
}

async function close(): Promise<void> {
  const leaving = talking.splice(0);
  for (const { speaker } of leaving) speaker.stop();
  await Promise.all(leaving.map(({ client }) => client.close()));
}

function reset(): void {
  for (const one of talking) {
    one.watch = new Watch();
    one.arrivals.reset();
  }
}

function figures(): FrameClientFigures {
  const each = talking.map(({ watch, speaker }) => watch.figures((ms) => speaker.sentAtMs(ms)));
  const gapsMs = talking.flatMap(({ arrivals }) => arrivals.gapsMs());
  const delaysMs = talking.flatMap(({ watch, speaker }) => watch.delaysMs((ms) => speaker.sentAtMs(ms)));
  const rates = each.map(({ framesPerSecond }) => framesPerSecond);
  return {
    clients: talking.length,
    ended,
    errors,
    missing: each.reduce((sum, { missing }) => sum + missing, 0),
    gapP50Ms: percentile(gapsMs, 0.5),
    gapP99Ms: percentile(gapsMs, 0.99),
    gapMaxMs: percentile(gapsMs, 1),
    slowestFps: Math.min(...rates),
    fastestFps: Math.max(...rates),
    latenessGrowth: percentile(
      talking.map(({ arrivals }) => arrivals.latenessGrowth()),
      0.5,
    ),
    soundToPictureP50Ms: percentile(delaysMs, 0.5),
    soundToPictureP95Ms: percentile(delaysMs, 0.95),
    kbitPerSecond: percentile(
      each.map(({ kbitPerSecond }) => kbitPerSecond),
      0.5,
    ),
    longestKeyFrameGap: Math.max(0, ...each.map(({ longestKeyFrameGap }) => longestKeyFrameGap)),
  };
}

async function answer(request: FrameClientRequest): Promise<FrameClientFigures | number[] | null> {
  switch (request.name) {
    case 'open':
      return open(request);
    case 'close':
      await close();
      return null;
    case 'reset':
      reset();
      return null;
    case 'figures':
      return figures();
  }
}

answerRequests(answer);
