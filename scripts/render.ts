import { writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { FRAMES_PER_SECOND } from '../server/audio/pcm.ts';
import type { Avatar } from '../server/avatars/avatar.ts';
import { FacePreparation } from '../server/avatars/musetalk/face-preparation.ts';
import { VideoFileWriter } from '../server/codecs/video-file-writer.ts';
import { loadConfig } from '../server/config/config.ts';
import { AppError } from '../server/errors.ts';
import { silentLog } from '../server/log.ts';
import { Metrics } from '../server/metrics.ts';
import { engineOf } from '../server/open-scheduler.ts';
import { progressBar } from '../server/progress-bar.ts';
import { ContactSheet } from '../server/render/contact-sheet.ts';
import { frameCountOf, renderSpeech } from '../server/render/render-speech.ts';
import { Scheduler } from '../server/scheduler/scheduler.ts';
import type { MouthReport } from '../server/session/mouth-reports.ts';
import { loadWav } from '../server/sources/wav-file.ts';
import { findAvatar } from './render/find-avatar.ts';
import { mouthLine } from './render/mouth-line.ts';
import { type Order, readOrder, USAGE } from './render/order.ts';

// Lets an avatar speak a recording, into a film.

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort(new AppError('timeout', 'Stopped; no film was written.')));

try {
  const folder = process.cwd();
  const order = readOrder(process.argv.slice(2), folder);
  process.stdout.write(order ? await carryOut(order, folder) : USAGE);
} catch (error) {
  // One line for what can be put right by whoever typed the command, everything for what cannot.
  console.error(error instanceof AppError ? error.message : error);
  process.exitCode = 1;
}

/** @returns What to tell when all is written. */
async function carryOut(order: Order, folder: string): Promise<string> {
  const flags = { verbose: false, skipChecks: false, help: false };
  const config = loadConfig({ ...flags, config: order.config ?? undefined }, folder);
  const samples = await loadWav(order.audio);
  const engine = engineOf(config.settings.engine, order.engine ?? config.settings.engine.id);
  const faces = new FacePreparation(config.settings.engine.musetalk);
  const complete = engine.id === 'musetalk' ? faces.prepare.bind(faces) : undefined;
  const avatar = await findAvatar(order.avatar, config, folder, complete);
  const common = { log: silentLog(), metrics: new Metrics() };
  // One thread: the state of a voice lives in one engine, so that a second one would have nothing to do.
  const scheduler = await Scheduler.open({ engine, workers: 1, avatars: [avatar], ...common });
  try {
    return await film(order, avatar, samples, scheduler);
  } finally {
    await scheduler.close();
  }
}

async function film(order: Order, avatar: Avatar, samples: Float32Array, scheduler: Scheduler): Promise<string> {
  const { widthPx, heightPx } = avatar;
  const frames = frameCountOf(samples);
  const sheet = order.sheet ? new ContactSheet(avatar, frames) : null;
  const mouths: MouthReport[] = [];
  const startedMs = performance.now();
  const writer = await VideoFileWriter.open(order.out, {
    widthPx,
    heightPx,
    framesPerSecond: FRAMES_PER_SECOND,
    crf: order.crf,
    hasAudio: true,
  });
  let next = 0;
  try {
    await renderSpeech({
      avatar,
      samples,
      scheduler,
      film: {
        writeFrame: (frame) => {
          sheet?.add(next++, frame);
          return writer.writeFrame(frame);
        },
        writeAudio: (sound) => writer.writeAudio(sound),
      },
      onMouth: order.params ? (report) => mouths.push(report) : undefined,
      onProgress: progressBar(`Rendering ${avatar.id}`),
      signal: interrupt.signal,
    });
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  const tookS = (performance.now() - startedMs) / 1000;
  if (order.params) await writeFile(order.params, mouths.map(mouthLine).join(''));
  if (sheet && order.sheet) await writeFile(order.sheet, await sheet.png());
  const seconds = frames / FRAMES_PER_SECOND;
  const lines = [
    `${relative(process.cwd(), order.out)}: ${seconds.toFixed(2)} s in ${tookS.toFixed(1)} s, ${(seconds / tookS).toFixed(1)} times as fast as it plays.`,
  ];
  if (order.params && mouths.length < frames) {
    lines.push(`Engine ${scheduler.spec.id} tells no parameters for ${frames - mouths.length} of ${frames} frames.`);
  }
  return `${lines.join('\n')}\n`;
}
