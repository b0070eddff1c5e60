import { writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../server/errors.ts';
import { FrameClient, FrameServiceError } from '../web/src/frame-client.js';
import { formatTable, readable } from './bench/figures.ts';
import { writeFilm } from './client/film.ts';
import { takeCommands } from './client/keyboard.ts';
import { type Order, readOrder, USAGE } from './client/order.ts';
import { loadSpeech, Speaker } from './client/speaker.ts';
import { Watch } from './client/watch.ts';

// Talks to a running server through its frame service.

try {
  const order = readOrder(process.argv.slice(2), process.cwd(), process.env);
  if (order) await talk(order);
  else process.stdout.write(USAGE);
} catch (error) {
  // One line for what can be put right by whoever typed the command, everything for what cannot.
  const isForeseen = error instanceof AppError || error instanceof FrameServiceError;
  console.error(isForeseen ? error.message : error);
  process.exitCode = 1;
}

async function talk(order: Order): Promise<void> {
  const speech = order.wav === null ? null : await loadSpeech(order.wav);
  const watch = new Watch();
  const ended = new AbortController();
  const askedMs = performance.now();
  const client = await connect(order, watch, ended);
  const speaker = new Speaker(client);
  process.once('SIGINT', () => ended.abort());
  const measured = () => ({
    ...watch.figures((ms) => speaker.sentAtMs(ms)),
    firstPictureMs: firstPictureMs(watch, askedMs),
  });
  try {
    const { available_videos: clips } = client.welcome;
    if (speech)
      await Promise.race([speaker.speak(speech, clips.includes('speaking_0') ? 'speaking_0' : null), over(ended)]);
    if (order.isInteractive) {
      const stats = () => table(measured());
      await takeCommands({ client, speaker, stats, say: (line) => console.log(line) }, ended.signal);
    } else {
      await sleep(client.welcome.delay_ms + order.tailMs, undefined, { signal: ended.signal }).catch(() => {});
    }
  } finally {
    speaker.stop();
    await client.close();
  }
  const stats = measured();
  console.log(table(stats));
  if (order.stats) await writeFile(order.stats, `${JSON.stringify(stats, null, 2)}\n`);
  if (order.out) {
    const decoded = await writeFilm(order.out, watch.seen, joined(speaker.pieces));
    console.log(`${relative(process.cwd(), order.out)}: ${decoded} pictures, each decoded without error`);
  }
}

function connect({ url, token, isBinary }: Order, watch: Watch, ended: AbortController): Promise<FrameClient> {
  return FrameClient.connect(
    url,
    { isBinary, ...(token === undefined ? {} : { authToken: token }) },
    {
      onPicture: (picture, sizeBytes) => watch.add(picture, sizeBytes),
      onError: ({ code, message }) => console.error(`${code}: ${message}`),
      onClosed: () => ended.abort(),
    },
  ).catch((cause) => {
    if (cause instanceof FrameServiceError) throw cause;
    throw new AppError('transport_failed', `${url}: ${cause.message}. Is the server running there?`, { cause });
  });
}

function over({ signal }: AbortController): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function firstPictureMs({ seen }: Watch, askedMs: number): number {
  return (seen[0]?.atMs ?? Number.NaN) - askedMs;
}

function joined(pieces: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function table(stats: Readonly<Record<string, number>>): string {
  return formatTable(
    [['figure', 'value'], ...Object.entries(stats).map(([name, value]) => [name, readable(value)])],
    [1],
  );
}
